"""Password resets: the recipients, the effects of the token, and its expiry."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import EmailState, OutboxEmail, User, VerificationCode
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn, stable_headers
from accounts.testing.emails import code_in, token_in
from sessions_tracking.models import RevokedReason, Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"


def _request_reset(api: ApiClient, email: str, outbox: Outbox) -> str:
    """Return the token that is emailed."""
    assert api.post("/forgot-password", {"email": email}).status_code == 200
    return token_in(outbox()[-1])


def _reset(api: ApiClient, token: Any, password: Any = NEW) -> tuple[int, str]:
    response = api.post("/reset-password", {"token": token, "newPassword": password})
    assert not response.cookies
    assert "data" not in response.json()
    return response.status_code, response.json().get("code", "")


def _change(signed_in: SignedIn) -> int:
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    return signed_in.client.post("/change-password", body).status_code


def _has_password(user: User, password: str) -> bool:
    return User.objects.get(id=user.id).check_password(password)


def _kinds(user: User) -> list[str]:
    return list(OutboxEmail.objects.filter(user=user).order_by("id").values_list("kind", flat=True))


def _after(**elapsed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**elapsed), tick=False)


@pytest.mark.parametrize(
    "email", ["ALICE@example.com", "bob@example.com", "unknown@example.com", "carol@example.com", "no address"]
)
def test_forgot_password_returns_the_same_response_for_every_email(
    api: ApiClient, alice: User, bob: User, email: str
) -> None:
    User.objects.create_user("carol", "carol@example.com", PASSWORD, is_active=False)
    usual = api.post("/forgot-password", {"email": "alice@example.com"})

    response = api.post("/forgot-password", {"email": email})

    assert response.status_code == usual.status_code == 200
    assert response.content == usual.content
    assert stable_headers(response) == stable_headers(usual)


def test_the_outbox_row_of_an_unknown_email_looks_like_any_other(api: ApiClient, alice: User) -> None:
    for email in ("alice@example.com", "unknown@example.com"):
        api.post("/forgot-password", {"email": email})

    registered, unknown = OutboxEmail.objects.order_by("id").values(
        "user", "kind", "language", "context", "state", "attempts"
    )
    assert registered["context"].pop("request_id") != unknown["context"].pop("request_id")
    assert registered == unknown
    assert not VerificationCode.objects.exists()


def test_only_active_users_receive_an_email(api: ApiClient, alice: User, bob: User, outbox: Outbox) -> None:
    User.objects.create_user("carol", "carol@example.com", PASSWORD, is_active=False)
    for email in ("unknown@example.com", "carol@example.com", "Alice@EXAMPLE.com", "bob@example.com"):
        api.post("/forgot-password", {"email": email})

    assert [message.to for message in outbox()] == [["alice@example.com"], ["bob@example.com"]]


@pytest.mark.parametrize("body", [{}, {"email": None}, {"email": 7}, {"email": ["alice@example.com"]}, {"email": ""}])
def test_forgot_password_requires_text(api: ApiClient, alice: User, body: dict[str, Any]) -> None:
    response = api.post("/forgot-password", body)

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert not OutboxEmail.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
        {"X-Original-Host": "evil.example"},
        {"Host": "localhost"},
    ],
)
def test_the_link_ignores_the_hosts_of_the_request(
    api: ApiClient, alice: User, outbox: Outbox, settings: Settings, headers: dict[str, str]
) -> None:
    api.post("/forgot-password", {"email": "alice@example.com"}, headers=headers)

    body = str(outbox()[0].body)
    assert f"{settings.FRONTEND_URL}/reset-password?token=" in body
    assert "evil" not in body


def test_a_reset_sets_the_password_and_sends_a_notice(api: ApiClient, alice: User, outbox: Outbox) -> None:
    token = _request_reset(api, "alice@example.com", outbox)

    assert _reset(api, token) == (200, "")

    assert _has_password(alice, NEW)
    assert not _has_password(alice, PASSWORD)
    message = outbox()[-1]
    assert message.to == ["alice@example.com"]
    assert NEW not in str(message.body)
    assert _kinds(alice) == ["password_changed"]


def test_a_reset_revokes_every_session_of_the_user_and_starts_none(
    api: ApiClient, alice: User, mallory: User, sign_in: SignIn, outbox: Outbox
) -> None:
    own, other = [sign_in(alice), sign_in(alice)], sign_in(mallory)

    _reset(api, _request_reset(api, "alice@example.com", outbox))

    assert [session.client.get("/me").json()["code"] for session in own] == ["session_revoked"] * 2
    assert [api.post("/refresh", {"refreshToken": session.refresh}).status_code for session in own] == [401, 401]
    assert other.client.get("/me").status_code == 200
    assert set(Session.objects.filter(user=alice).values_list("revoked_reason", flat=True)) == {
        RevokedReason.PASSWORD_RESET
    }


def test_a_reset_token_works_once(api: ApiClient, alice: User, outbox: Outbox) -> None:
    token = _request_reset(api, "alice@example.com", outbox)
    _reset(api, token)

    assert _reset(api, token, "Third-Horse-9") == (400, "token_invalid")
    assert _reset(api, token, "Weak-Horse") == (400, "validation_error")  # the form is validated before the token
    assert _reset(api, token, "Alice@example.com1") == (400, "token_invalid")
    assert _has_password(alice, NEW)


def test_a_reset_token_expires_after_an_hour(api: ApiClient, alice: User, outbox: Outbox) -> None:
    token = _request_reset(api, "alice@example.com", outbox)

    with _after(hours=1, seconds=1):
        assert _reset(api, token) == (400, "token_invalid")
    with _after(minutes=59):
        assert _reset(api, token) == (200, "")


def test_only_the_last_requested_token_works(api: ApiClient, alice: User, outbox: Outbox) -> None:
    first = _request_reset(api, "alice@example.com", outbox)
    second = _request_reset(api, "alice@example.com", outbox)

    assert _reset(api, first) == (400, "token_invalid")
    assert _reset(api, second) == (200, "")
    assert _reset(api, first, "Third-Horse-9") == (400, "token_invalid")


def test_a_password_change_invalidates_the_token(api: ApiClient, alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    token = _request_reset(api, "alice@example.com", outbox)
    assert _change(sign_in(alice)) == 200

    assert _reset(api, token, "Third-Horse-9") == (400, "token_invalid")
    assert _has_password(alice, NEW)


def test_an_email_change_invalidates_the_token(api: ApiClient, alice: User, outbox: Outbox) -> None:
    token = _request_reset(api, "alice@example.com", outbox)
    alice.email = "alice@elsewhere.example"
    alice.save()

    assert _reset(api, token) == (400, "token_invalid")


def test_a_password_change_cancels_a_queued_reset(api: ApiClient, alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    api.post("/forgot-password", {"email": "alice@example.com"})

    _change(sign_in(alice))

    assert OutboxEmail.objects.get(kind="reset_password").state == EmailState.CANCELLED
    assert [message.subject for message in outbox() if "token=" in str(message.body)] == []


@pytest.mark.parametrize(
    "weak", ["short1A", "correct-horse-9", "CORRECT-HORSE-9", "Correct-Horse", "Alice@example.com1", "Aa1" + "x" * 126]
)
def test_a_weak_password_does_not_use_the_token_up(api: ApiClient, alice: User, outbox: Outbox, weak: str) -> None:
    token = _request_reset(api, "alice@example.com", outbox)

    response = api.post("/reset-password", {"token": token, "newPassword": weak})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert list(response.json()["errors"]) == ["newPassword"]
    assert _has_password(alice, PASSWORD)
    assert _reset(api, token) == (200, "")


def test_a_reset_verifies_the_email_and_sends_a_welcome(api: ApiClient, db: None, outbox: Outbox) -> None:
    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": "Attackers-Pass-1"})
    code = code_in(outbox()[0])

    _reset(api, _request_reset(api, "eve@example.com", outbox))

    eve = User.objects.get(email="eve@example.com")
    assert eve.email_verified
    assert _kinds(eve).count("welcome") == 1
    assert api.post("/verify-email", {"email": "eve@example.com", "code": code}).json()["code"] == "code_invalid"
    assert api.post("/login", {"email": "eve@example.com", "password": NEW}).status_code == 200
    assert api.post("/login", {"email": "eve@example.com", "password": "Attackers-Pass-1"}).status_code == 401


def test_a_reset_of_a_verified_user_sends_no_welcome(api: ApiClient, alice: User, outbox: Outbox) -> None:
    verified_at = alice.email_verified_at

    _reset(api, _request_reset(api, "alice@example.com", outbox))

    assert User.objects.get().email_verified_at == verified_at
    assert "welcome" not in _kinds(alice)


def test_a_reset_does_not_reactivate_an_account(api: ApiClient, alice: User, outbox: Outbox) -> None:
    token = _request_reset(api, "alice@example.com", outbox)
    User.objects.update(is_active=False)

    assert _reset(api, token) == (400, "token_invalid")
    assert _has_password(alice, PASSWORD)
    assert not User.objects.get().is_active


@pytest.mark.parametrize(
    "body",
    [
        {"email": "alice@example.com", "newPassword": NEW}, {"userId": "x", "newPassword": NEW, "verified": True},
        {"token": "", "newPassword": NEW}, {"token": None, "newPassword": NEW}, {"token": ["x"], "newPassword": NEW},
        {"token": "x"}, {"token": "x" * 513, "newPassword": NEW}, {"token": "x", "newPassword": 7}, {},
    ],
)  # fmt: skip
def test_a_reset_without_token_or_password_is_a_validation_error(
    api: ApiClient, alice: User, body: dict[str, Any]
) -> None:
    response = api.post("/reset-password", body)

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert _has_password(alice, PASSWORD)


@pytest.mark.parametrize("token", ["x", "A" * 64, "é" * 10, "====", "../..", "null"])
def test_a_malformed_token_is_invalid(api: ApiClient, alice: User, outbox: Outbox, token: str) -> None:
    real = _request_reset(api, "alice@example.com", outbox)

    for malformed in (token, real[:-1], real + token, token + real, real.swapcase()):
        assert _reset(api, malformed) == (400, "token_invalid")
    assert _has_password(alice, PASSWORD)


def test_no_other_kind_of_token_resets_a_password(api: ApiClient, alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    signed_in = sign_in(alice)
    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})

    for token in (signed_in.access, signed_in.refresh[:512], token_in(outbox()[-1])):
        assert _reset(api, token[:512]) == (400, "token_invalid")


def test_a_reset_token_does_not_verify_an_email(api: ApiClient, bob: User, outbox: Outbox) -> None:
    token = _request_reset(api, "bob@example.com", outbox)

    response = api.get("/verify-email", query_params={"token": token, "email": "bob@example.com"})

    assert response.json()["code"] == "token_invalid"
    assert not User.objects.get().email_verified
