"""Only the browser that asked for a link is signed in by it: another one, or a mail scanner, is not (supabase/auth#2536)."""

import pytest
from django.test import Client

from accounts.login_codes.tests.requests import ALICE, Outbox, emailed, login_token, outcome, verify
from accounts.models import User
from accounts.testing.api_client import ApiClient
from accounts.testing.emails import code_in, token_in
from sessions_tracking.models import Session

INVALID = (400, "code_invalid")


def test_the_link_signs_in_the_browser_that_asked_for_it(alice: User, api: ApiClient, outbox: Outbox) -> None:
    sent = emailed(outbox, client=api)

    response = verify(api, token=sent.token)

    assert response.status_code == 200
    assert api.cookies["loginToken"].value == ""
    assert api.get("/me").json()["data"]["user"]["id"] == str(alice.id)


def test_a_link_opened_in_another_browser_signs_no_browser_in(alice: User, outbox: Outbox) -> None:
    desktop, phone = ApiClient(), ApiClient()
    sent = emailed(outbox, client=desktop)

    assert outcome(verify(phone, token=sent.token)) == INVALID
    assert not {"jwt", "refreshToken"} & set(phone.cookies)
    assert desktop.get("/me").status_code == 401
    assert not Session.objects.exists()
    assert outcome(verify(desktop, code=sent.code)) == (200, "ok")


def test_a_link_that_mallory_requested_for_alice_signs_no_browser_in(alice: User, outbox: Outbox) -> None:
    hers, his = ApiClient(), ApiClient()
    login_token(client=hers)
    outbox()
    sent = emailed(outbox, client=his)

    assert outcome(verify(hers, token=sent.token)) == INVALID
    assert his.get("/me").status_code == hers.get("/me").status_code == 401
    assert not Session.objects.exists()


def test_alices_browser_is_not_signed_in_to_mallorys_account(alice: User, mallory: User, outbox: Outbox) -> None:
    hers, his = ApiClient(), ApiClient()
    sent = emailed(outbox, "mallory@example.com", client=his)
    login_token(client=hers)

    assert outcome(verify(hers, token=sent.token)) == INVALID
    assert hers.get("/me").status_code == 401


def test_a_scanner_that_opens_the_link_has_no_effect(alice: User, api: ApiClient, outbox: Outbox) -> None:
    sent = emailed(outbox, client=api)
    scanner = Client()

    for method in (scanner.get, scanner.head, scanner.options):
        assert method("/login-code", {"token": sent.token}).status_code in {200, 405}
    for path in ("/login/code", "/login/code/verify"):
        assert ApiClient().get(path, {"token": sent.token}).status_code == 405

    assert outcome(verify(api, token=sent.token)) == (200, "ok")


def test_the_cookie_is_for_this_host_and_endpoint_alone(alice: User, api: ApiClient) -> None:
    token = login_token(client=api)

    cookie = api.cookies["loginToken"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (token, True, "Lax")
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/api/auth/login/code", "", 3600)


@pytest.mark.parametrize("transport", ["body", "cookie"])
def test_the_transport_decides_on_cookies_and_never_hides_the_login_token(
    alice: User, api: ApiClient, outbox: Outbox, transport: str
) -> None:
    api.credentials(HTTP_X_TOKEN_TRANSPORT=transport)
    token = login_token(client=api)
    message = outbox()[-1]

    assert ("loginToken" in api.cookies) is (transport == "cookie")
    response = verify(api, loginToken=token, code=code_in(message))
    assert ("token" in response.json()["data"]) is (transport == "body")
    assert ("jwt" in response.cookies) is (transport == "cookie")


def test_the_body_takes_precedence_over_the_cookie(alice: User, api: ApiClient, outbox: Outbox) -> None:
    first = emailed(outbox)
    login_token(client=api)

    assert outcome(verify(api, loginToken=first.login_token, code=first.code)) == (200, "ok")


def test_two_different_cookies_count_as_none(alice: User, outbox: Outbox) -> None:
    """Another site of the domain may have planted one of them (RFC 6265 §8.6)."""
    sent, planted = emailed(outbox), login_token()
    outbox()

    for first, second in ((planted, sent.login_token), (sent.login_token, planted)):
        client = ApiClient(HTTP_COOKIE=f"loginToken={first}; loginToken={second}")
        assert outcome(verify(client, token=sent.token)) == INVALID


def test_a_new_request_replaces_the_cookie(alice: User, api: ApiClient, outbox: Outbox) -> None:
    first, second = emailed(outbox, client=api), emailed(outbox, ALICE, client=api)

    assert outcome(verify(api, token=first.token)) == INVALID
    assert outcome(verify(api, token=second.token)) == (200, "ok")
    assert token_in(outbox()[0]) == first.token
