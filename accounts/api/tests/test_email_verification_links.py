"""Verification of an email by link."""

from typing import Any

import pytest
from django.core.mail import EmailMessage

from accounts.api.tests.email_verification import (
    EMAIL,
    Outbox,
    email_kinds,
    is_verified,
    open_link,
    send_code,
    wrong,
)
from accounts.models import User, VerificationCode
from accounts.services import email_verification
from accounts.testing.api_client import ApiClient
from accounts.testing.emails import code_in, token_in
from accounts.verification import verification_codes
from core.api.exceptions import TokenInvalid


def test_a_link_does_not_verify_an_email_changed_concurrently(
    message: EmailMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = verification_codes.find_by_token

    def find_then_change_email(**values: Any) -> VerificationCode | None:
        row = find(**values)
        User.objects.update(email="other@example.com", email_key="other@example.com")
        return row

    monkeypatch.setattr(verification_codes, "find_by_token", find_then_change_email)
    with pytest.raises(TokenInvalid):
        email_verification.verify_by_link(email=EMAIL, token=token_in(message))

    assert not User.objects.get().email_verified


def test_the_link_works_repeatedly_and_sends_one_welcome(api: ApiClient, message: EmailMessage, outbox: Outbox) -> None:
    for _ in range(3):
        assert open_link(api, token_in(message)) == (200, "")

    assert is_verified()
    outbox()
    assert email_kinds() == ["verify_email", "welcome"]


def test_after_the_code_the_link_still_works_but_sends_no_second_welcome(api: ApiClient, message: EmailMessage) -> None:
    send_code(api, code_in(message))

    assert open_link(api, token_in(message)) == (200, "")
    assert email_kinds().count("welcome") == 1


def test_wrong_codes_do_not_affect_the_link(api: ApiClient, message: EmailMessage) -> None:
    for _ in range(6):
        send_code(api, wrong(code_in(message)))

    assert open_link(api, token_in(message)) == (200, "")


def test_after_the_link_the_code_is_used_up(api: ApiClient, message: EmailMessage) -> None:
    open_link(api, token_in(message))

    assert send_code(api, code_in(message)) == (400, "code_invalid")


@pytest.mark.parametrize(
    "query",
    [
        "", "token=x", "email=eve@example.com", "token=&email=", "token=x&email=", "token[]=x&email[]=eve@example.com",
        "token=x&email=eve@example.com&email=bob@example.com", "token=x&token=y&email=eve@example.com",
        "token=x%00&email=eve@example.com", "token=x&email=eve%00@example.com",
    ],
)  # fmt: skip
def test_a_link_without_token_or_email_is_a_validation_error(api: ApiClient, db: None, query: str) -> None:
    response = api.get(f"/verify-email?{query}")

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


def test_a_link_with_an_unknown_email_is_not_found(api: ApiClient, message: EmailMessage) -> None:
    assert open_link(api, token_in(message), "unknown@example.com") == (404, "user_not_found")
    assert open_link(api, token_in(message), "no address") == (404, "user_not_found")
    assert not is_verified()


def test_a_link_verifies_no_other_email(api: ApiClient, message: EmailMessage, bob: User) -> None:
    assert open_link(api, token_in(message), "bob@example.com") == (401, "token_invalid")

    assert not User.objects.get(id=bob.id).email_verified
    assert not is_verified()


@pytest.mark.parametrize("token", ["x", "A" * 64, "é", "=", "A" * 5000, "%00", "null"])
def test_a_malformed_token_is_invalid(api: ApiClient, message: EmailMessage, token: str) -> None:
    assert open_link(api, token) == (401, "token_invalid")
    assert open_link(api, token_in(message)[:-1]) == (401, "token_invalid")
    assert open_link(api, token_in(message) + token) == (401, "token_invalid")
    assert not is_verified()


def test_another_base64_spelling_of_the_token_is_invalid(api: ApiClient, message: EmailMessage) -> None:
    assert open_link(api, token_in(message) + "=") == (401, "token_invalid")
    assert open_link(api, token_in(message) + "!") == (401, "token_invalid")


def test_a_browser_gets_the_page_and_verifies_nothing(api: ApiClient, message: EmailMessage) -> None:
    query = {"token": token_in(message), "email": EMAIL}

    response = api.get(
        "/verify-email", query_params=query, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    )

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    assert response["Referrer-Policy"] == "no-referrer"
    assert not is_verified()


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_any_other_client_verifies_with_a_get_request(api: ApiClient, message: EmailMessage, accept: str) -> None:
    assert open_link(api, token_in(message), Accept=accept) == (200, "")
    assert is_verified()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_a_link_scanner_verifies_nothing(api: ApiClient, message: EmailMessage, method: str) -> None:
    response = api.generic(method, f"/verify-email?token={token_in(message)}&email={EMAIL}")

    assert response.status_code < 500
    assert not is_verified()
    assert email_kinds() == ["verify_email"]
