"""Login with a second factor: a pending login gives no access, and can be completed once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.mail import EmailMessage
from time_machine import Traveller

from accounts.models import AttemptCounter, AuditEvent, AuditKind, OutboxEmail, PendingLogin, User
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import token_in
from accounts.testing.second_factor import UserWithTotp, enrol, verify
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"


def test_the_password_alone_returns_no_token_session_or_cookie(api: ApiClient, alice_with_totp: UserWithTotp) -> None:
    response = api.post("/login", {"username": "alice", "password": PASSWORD})

    data = response.json()["data"]
    assert response.status_code == 200
    assert set(data) == {"mfaRequired", "mfaToken", "methods", "expiresAt"}
    assert (data["mfaRequired"], data["methods"]) == (True, ["totp", "recovery_code"])
    assert 290 < (datetime.fromisoformat(data["expiresAt"]) - datetime.now(UTC)).total_seconds() <= 300
    assert not response.cookies
    assert Session.objects.count() == 1
    assert User.objects.get().last_login == alice_with_totp.user.last_login


def test_a_wrong_password_does_not_reveal_a_second_factor(
    api: ApiClient, alice_with_totp: UserWithTotp, mallory: User
) -> None:
    responses = [api.post("/login", {"username": name, "password": "Wrong-Horse-7"}) for name in ("alice", "mallory")]

    assert responses[0].status_code == 401
    assert responses[0].content == responses[1].content
    assert not PendingLogin.objects.exists()


def test_a_code_from_the_app_completes_the_mfa_login(api: ApiClient, alice_with_totp: UserWithTotp) -> None:
    response = verify(alice_with_totp.pending(), api, code=alice_with_totp.app.code())

    data = response.json()["data"]
    assert set(data) == {"user", "token", "tokens", "session"}
    assert data["token"] == data["tokens"]["accessToken"] == response.cookies["jwt"].value
    assert data["tokens"]["refreshToken"] == response.cookies["refreshToken"].value
    assert data["user"]["mfaEnabled"] is True
    assert data["user"]["lastLoginAt"] is not None
    assert ApiClient().bearing(data["token"]).get("/me").status_code == 200


@pytest.mark.parametrize(("transport", "cookies"), [("cookie", {"jwt", "refreshToken"}), ("body", set())])
def test_tokens_are_delivered_by_the_requested_transport(
    api: ApiClient, alice_with_totp: UserWithTotp, transport: str, cookies: set[str]
) -> None:
    api.credentials(HTTP_X_TOKEN_TRANSPORT=transport)

    response = verify(alice_with_totp.pending(), api, code=alice_with_totp.app.code())

    assert set(response.cookies) == cookies
    assert ("token" in response.json()["data"]) is (transport == "body")


def test_session_options_of_the_password_step_are_applied(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending(deviceName="Laptop", data={"theme": "dark"})

    session = verify(token, code=alice_with_totp.app.code()).json()["data"]["session"]

    assert (session["name"], session["data"]) == ("Laptop", {"theme": "dark"})


def test_the_owner_is_notified_of_a_new_device_after_the_second_step(alice_with_totp: UserWithTotp) -> None:
    client = ApiClient(HTTP_USER_AGENT=FIREFOX)
    token = client.post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]["mfaToken"]
    assert not OutboxEmail.objects.filter(kind="new_device").exists()

    verify(token, client, code=alice_with_totp.app.code())

    assert OutboxEmail.objects.filter(kind="new_device", user=alice_with_totp.user).count() == 1


def test_an_mfa_token_is_not_accepted_as_another_credential(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending()
    client = ApiClient().bearing(token)
    cookie = ApiClient()
    cookie.cookies["jwt"] = cookie.cookies["refreshToken"] = token

    responses: list[Any] = [
        client.get("/me"),
        client.get("/sessions"),
        client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": "Another-Horse-8"}),
        client.post("/mfa/totp"),
        client.delete("/mfa/totp", {"password": PASSWORD}),
        client.post("/mfa/recovery-codes", {"password": PASSWORD}),
        client.get("/users"),
        client.post("/refresh", {"refreshToken": token}),
        cookie.get("/me"),
        cookie.post("/refresh"),
    ]

    assert [(response.status_code, response.json()["code"]) for response in responses] == [
        (401, "token_invalid")
    ] * len(responses)
    assert ApiClient().post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 400
    assert User.objects.get().mfa_enabled


def test_no_other_token_is_accepted_as_an_mfa_token(
    api: ApiClient, alice_with_totp: UserWithTotp, outbox: Outbox
) -> None:
    api.post("/forgot-password", {"email": alice_with_totp.user.email})
    others = [
        alice_with_totp.session.access,
        alice_with_totp.session.refresh,
        token_in(outbox()[-1]),
        "",
        "x",
        "%%%",
        "é" * 64,
    ]

    responses = [verify(token, code=alice_with_totp.app.code()) for token in others]

    assert {response.json()["code"] for response in responses} == {"token_invalid", "validation_error"}
    assert Session.objects.count() == 1


def test_an_mfa_token_works_once(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending()
    assert verify(token, code=alice_with_totp.app.code()).status_code == 200

    response = verify(token, code=alice_with_totp.app.code(1))

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert Session.objects.count() == 2


def test_an_mfa_token_expires_after_five_minutes(alice_with_totp: UserWithTotp, clock: Traveller) -> None:
    token = alice_with_totp.pending()

    clock.shift(301)
    response = verify(token, code=alice_with_totp.app.code())

    assert (response.status_code, response.json()["code"]) == (401, "token_expired")
    assert response["WWW-Authenticate"] == "Bearer"
    assert Session.objects.count() == 1


@pytest.mark.parametrize("where", ["Authorization", "refreshToken", "mfaToken"])
def test_a_cancelled_pending_login_cannot_be_completed(
    api: ApiClient, alice_with_totp: UserWithTotp, where: str
) -> None:
    token, other = alice_with_totp.pending(), alice_with_totp.pending()
    header = {"Authorization": f"Bearer {token}"} if where == "Authorization" else {}

    response = api.post("/logout", {} if header else {where: token}, headers=header)

    assert response.status_code == 200
    assert verify(token, code=alice_with_totp.app.code()).json()["code"] == "token_invalid"
    assert verify(other, code=alice_with_totp.app.code()).status_code == 200
    assert alice_with_totp.session.client.get("/me").status_code == 200


def _change_password(alice_with_totp: UserWithTotp, _outbox: Outbox) -> None:
    form = {"currentPassword": PASSWORD, "newPassword": "Another-Horse-8"}
    assert alice_with_totp.session.client.post("/change-password", form).status_code == 200


def _reset_password(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    ApiClient().post("/forgot-password", {"email": alice_with_totp.user.email})
    form = {"token": token_in(outbox()[-1]), "newPassword": "Another-Horse-8"}
    assert ApiClient().post("/reset-password", form).status_code == 200


def _set_password_in_a_shell(alice_with_totp: UserWithTotp, _outbox: Outbox) -> None:
    alice_with_totp.user.set_password("Another-Horse-8")
    alice_with_totp.user.save()


def _deactivate(alice_with_totp: UserWithTotp, _outbox: Outbox) -> None:
    User.objects.filter(id=alice_with_totp.user.id).update(is_active=False)


def _delete(alice_with_totp: UserWithTotp, _outbox: Outbox) -> None:
    assert alice_with_totp.session.client.delete("/me", {"password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    "happen",
    [_change_password, _reset_password, _set_password_in_a_shell, _deactivate, _delete],
    ids=lambda happen: happen.__name__,
)
def test_a_pending_login_is_revoked_like_a_session(
    alice_with_totp: UserWithTotp, outbox: Outbox, happen: Callable[[UserWithTotp, Outbox], None]
) -> None:
    token = alice_with_totp.pending()
    happen(alice_with_totp, outbox)

    response = verify(token, code=alice_with_totp.app.code())

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert not response.cookies


def test_reactivation_does_not_revive_a_pending_login(
    alice_with_totp: UserWithTotp, admin: User, sign_in: SignIn
) -> None:
    token, administrator = alice_with_totp.pending(), sign_in(admin).client
    for is_active in (False, True):
        assert administrator.patch(f"/users/{alice_with_totp.user.id}", {"isActive": is_active}).status_code == 200

    assert verify(token, code=alice_with_totp.app.code()).json()["code"] == "token_invalid"


def test_a_password_reset_does_not_bypass_the_second_factor(
    api: ApiClient, alice_with_totp: UserWithTotp, outbox: Outbox
) -> None:
    api.post("/forgot-password", {"email": alice_with_totp.user.email})

    response = api.post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": "Another-Horse-8"})

    assert response.status_code == 200
    assert "data" not in response.json()
    assert not response.cookies
    next_login = api.post("/login", {"username": "alice", "password": "Another-Horse-8"})
    assert next_login.json()["data"]["mfaRequired"] is True


def test_a_refresh_keeps_the_assurance_level(api: ApiClient, alice: User, sign_in: SignIn, clock: Traveller) -> None:
    before, alice_with_totp = sign_in(alice), enrol(sign_in(alice))
    after = verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).json()["data"]

    for refresh in (before.refresh, after["tokens"]["refreshToken"]):
        assert api.post("/refresh", {"refreshToken": refresh}).status_code == 200

    levels = {str(key): acr for key, acr in Session.objects.values_list("id", "acr")}
    assert (levels[before.session_id], levels[after["session"]["id"]]) == ("aal1", "aal2")


@pytest.mark.parametrize(
    "proof", [{}, {"code": None}, {"code": "123456", "recoveryCode": "AAAAA-AAAAA"}, {"recoveryCode": ""}]
)
def test_exactly_one_second_factor_is_required(alice_with_totp: UserWithTotp, proof: dict[str, Any]) -> None:
    response = verify(alice_with_totp.pending(), **proof)

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert not AttemptCounter.objects.exists()


def test_another_site_cannot_complete_a_login(api: ApiClient, alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending()
    api.credentials(HTTP_ORIGIN="https://evil.example")

    response = verify(token, api, code=alice_with_totp.app.code())

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert not response.cookies
    assert verify(token, code=alice_with_totp.app.code()).status_code == 200


def test_no_mfa_token_can_be_derived_from_the_database(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending()

    row = PendingLogin.objects.values().get()

    assert not any(token in str(value) or str(value) in token for value in row.values() if len(str(value)) > 8)


def test_a_failed_code_is_recorded_in_the_audit(alice_with_totp: UserWithTotp) -> None:
    verify(alice_with_totp.pending(), code=alice_with_totp.app.wrong_code())

    event = AuditEvent.objects.get(kind=AuditKind.MFA_FAILED)
    assert event.user_id == alice_with_totp.user.id
    assert alice_with_totp.app.wrong_code() not in str(event.facts)


def test_a_login_from_a_known_device_sends_no_email(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    client = ApiClient(HTTP_USER_AGENT=CHROME)
    token = client.post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]["mfaToken"]
    outbox().clear()

    verify(token, client, code=alice_with_totp.app.code())

    assert not OutboxEmail.objects.filter(kind="new_device").exists()
