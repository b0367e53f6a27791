"""Every operation succeeds and fails as the OpenAPI document shows: with exactly these fields and this message."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pyotp
import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.mfa import recovery_links
from accounts.mfa.models import FactorRecovery
from accounts.models import User
from accounts.passkeys.testing.passkey_client import new_authenticator
from accounts.services import service_clients
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import UserWithTotp, enrol
from core.openapi.tests.openapi_reader import JSON, Documented, operation, operations, validator

NEW_PASSWORD = "Battery-Staple-8"
COOKIE = {"X-Token-Transport": "cookie"}
WALKED: set[str] = set()


protected = [endpoint for endpoint in operations() if endpoint.is_protected]
administrative = [endpoint for endpoint in protected if endpoint.spec["tags"] == ["Administration"]]


def conforms(response: Any, operation_id: str, sample: int = 0) -> dict[str, Any]:
    """Assert that the response matches a sample of `operation_id`, and return its `data`."""
    assert response.status_code < 300, response.content
    content = operation(operation_id).spec["responses"][str(response.status_code)]["content"][JSON]
    body, expected = json.loads(response.content), list(content["examples"].values())[sample]["value"]
    validator(content["schema"]).validate(body)
    assert body.get("message") == expected.get("message")
    WALKED.add(operation_id)
    return dict(body.get("data", {}))


@pytest.fixture
def administrator(mallory: Any, sign_in: Callable[..., SignedIn]) -> ApiClient:
    mallory.role = "ADMIN"
    mallory.save()
    return sign_in(mallory).client


def _registration(api: ApiClient, outbox: Callable[[], list[Any]]) -> None:
    eve = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}
    conforms(api.post("/register", eve), "register")
    conforms(api.post("/resend-verification", {"email": "eve@example.com"}), "resendVerification")
    sent = outbox()[-1]
    conforms(api.post("/verify-email", {"email": "eve@example.com", "code": code_in(sent)}), "verifyEmail")
    link = f"/verify-email?email={quote('eve@example.com')}&token={token_in(sent)}"
    conforms(api.get(link), "verifyEmailByLink")


def _tokens(api: ApiClient, username: str) -> None:
    credentials = {"username": username, "password": PASSWORD}
    conforms(api.post("/login", credentials, headers=COOKIE), "login")
    conforms(api.post("/refresh", headers=COOKIE), "refresh")
    refresh = conforms(api.post("/login", credentials), "login")["tokens"]["refreshToken"]
    conforms(api.post("/refresh-token", {"refreshToken": refresh}), "refreshToken")
    conforms(api.post("/logout"), "logout")


def _sessions(person: SignedIn) -> None:
    session_path, client = f"/sessions/{person.session_id}", person.client
    conforms(client.get("/sessions"), "listSessions")
    conforms(client.get(session_path), "readSession")
    conforms(client.patch(session_path, {"name": "Tablet", "data": {"deep": {"er": [1]}}}), "updateSession")
    conforms(client.delete(session_path), "deleteSession")


def _account(person: SignedIn) -> None:
    for path, name in (("/me", "Me"), ("/profile", "Profile")):
        conforms(person.client.get(path), name.lower())
        conforms(person.client.patch(path, {"firstName": "Alicia", "language": "en"}), f"update{name}")
    conforms(person.client.get("/me/export"), "export")
    conforms(person.client.get("/me/activity?pageSize=50"), "readActivity")
    for headers in ({}, COOKIE):
        conforms(person.client.post("/reauthenticate", {"password": PASSWORD}, headers=headers), "reauthenticate")


def _email_change(api: ApiClient, person: SignedIn, outbox: Callable[[], list[Any]]) -> None:
    wish = {"newEmail": "alice@example.org", "password": PASSWORD}
    conforms(person.client.post("/change-email", wish), "changeEmail")
    code = code_in(next(message for message in outbox() if message.to == [wish["newEmail"]]))
    conforms(person.client.post("/change-email/confirm", {"code": code}), "confirmChangeEmail")
    conforms(person.client.get("/me/export"), "export")
    conforms(api.post("/change-email/undo", {"token": token_in(outbox()[-1])}), "undoChangeEmail")


def _passwords(api: ApiClient, person: SignedIn, outbox: Callable[[], list[Any]]) -> None:
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    conforms(person.client.post("/change-password", change), "changePassword")
    conforms(api.post("/forgot-password", {"email": person.user.email}), "forgotPassword")
    reset = {"token": token_in(outbox()[-1]), "newPassword": PASSWORD}
    conforms(api.post("/reset-password", reset), "resetPassword")


def _second_factor(api: ApiClient, person: SignedIn) -> None:
    client, username = person.client, person.user.username
    app = pyotp.TOTP(conforms(client.post("/mfa/totp"), "startTotp")["secret"])
    first = {"code": app.generate_otp(int(time.time()) // 30 - 1)}
    conforms(client.post("/mfa/totp/confirm", first), "confirmTotp")
    conforms(client.post("/mfa/recovery-codes", {"password": PASSWORD}), "renewRecoveryCodes")
    for headers in ({}, COOKIE):
        pending = conforms(api.post("/login", {"username": username, "password": PASSWORD}), "login", sample=-1)
        code = app.generate_otp(int(time.time()) // 30 + len(headers))
        proof = {"mfaToken": pending["mfaToken"], "code": code}
        conforms(api.post("/mfa/verify", proof, headers=headers), "verifyMfa")
    conforms(client.delete("/mfa/totp", {"password": PASSWORD}), "disableTotp")


def _passkeys(api: ApiClient, person: SignedIn) -> None:
    client, authenticator = person.client, new_authenticator()
    options = conforms(client.post("/passkeys/registration/options"), "registrationOptions")["publicKey"]
    passkey = conforms(client.post("/passkeys", {"credential": authenticator.create(options)}), "addPasskey")["passkey"]
    conforms(client.get("/passkeys"), "listPasskeys")
    conforms(client.patch(f"/passkeys/{passkey['id']}", {"name": "Phone"}), "renamePasskey")
    options = conforms(api.post("/passkeys/login/options"), "passkeyLoginOptions")["publicKey"]
    conforms(api.post("/passkeys/login", {"credential": authenticator.get(options)}), "passkeyLogin")
    pending = conforms(api.post("/login", {"username": "alice", "password": PASSWORD}), "login", sample=-1)
    conforms(api.post("/mfa/passkey/options", {"mfaToken": pending["mfaToken"]}), "mfaPasskeyOptions")
    conforms(client.post("/reauthenticate/options"), "reauthenticateOptions")
    conforms(client.delete(f"/passkeys/{passkey['id']}"), "removePasskey")
    new_account = {"email": "frank@example.com", "username": "frank"}
    conforms(api.post("/passkeys/signup/options", new_account), "passkeySignupOptions")


def _login_codes(outbox: Callable[[], list[Any]]) -> None:
    """eve signs in without a password. Another client than `api` keeps her cookies."""
    eve, browser = {"email": "eve@example.com"}, ApiClient()
    User.objects.filter(email=eve["email"]).update(password=make_password(None))
    for headers in ({}, COOKIE):
        requested = conforms(browser.post("/login/code", eve), "requestLoginCode")
        proof = {"loginToken": requested["loginToken"], "code": code_in(outbox()[-1])}
        conforms(browser.post("/login/code/verify", proof, headers=headers), "verifyLoginCode")
    conforms(browser.post("/reauthenticate/email"), "emailReauthenticationCode")
    conforms(browser.post("/reauthenticate", {"emailCode": code_in(outbox()[-1])}), "reauthenticate")


def _recovery(api: ApiClient, user_with_totp: UserWithTotp) -> None:
    for path, token_of in (("cancel", recovery_links.stop_token), ("complete", recovery_links.completion_token)):
        conforms(api.post("/mfa/recovery", {"mfaToken": user_with_totp.pending()}), "beginRecovery")
        FactorRecovery.objects.update(available_at=timezone.now())
        token = token_of(FactorRecovery.objects.unfinished().get())
        conforms(api.post(f"/mfa/recovery/{path}", {"token": token}), f"{path}Recovery")


def _other_services(api: ApiClient, person: SignedIn) -> None:
    service, secret = service_clients.create(name="Billing")
    question = {"token": person.access, "client_id": str(service.id), "client_secret": secret}
    conforms(person.client.get("/forward-auth"), "forwardAuth")
    conforms(api.post("/introspect", question), "introspect")
    conforms(api.post("/revoke", question), "revoke")
    conforms(api.post("/introspect", question), "introspect", sample=-1)


def _administration(client: ApiClient) -> None:
    trudy = {"email": "trudy@example.com", "username": "trudy"}
    user_path = f"/users/{conforms(client.post('/users', trudy), 'createUser')['user']['id']}"
    conforms(client.get("/users?search=trudy"), "listUsers")
    conforms(client.get(user_path), "readUser")
    conforms(client.patch(user_path, {"lastName": "Martin"}), "updateUser")
    conforms(client.post(f"{user_path}/invite"), "inviteUser")
    conforms(client.get(f"{user_path}/sessions"), "listUserSessions")
    conforms(client.post(f"{user_path}/revoke-sessions"), "revokeUserSessions")
    conforms(client.delete(user_path), "deleteUser")


def test_each_success_is_as_documented(
    api: ApiClient, alice: Any, administrator: ApiClient, sign_in: Any, outbox: Any
) -> None:
    _registration(api, outbox)
    _tokens(api, "alice")
    _account(sign_in(alice))
    _sessions(sign_in(alice))
    _email_change(api, sign_in(alice), outbox)
    _passwords(api, sign_in(alice), outbox)
    _second_factor(api, sign_in(alice))
    _passkeys(api, sign_in(alice))
    _login_codes(outbox)
    _recovery(api, enrol(sign_in(alice)))
    _other_services(api, sign_in(alice))
    _administration(administrator)
    conforms(sign_in(alice).client.post("/logout-all"), "logoutAll")
    conforms(sign_in(alice).client.delete("/me", {"password": PASSWORD}), "deleteMe")
    conforms(administrator.get("/me"), "me")

    missing = {endpoint.spec["operationId"] for endpoint in operations()} - WALKED
    assert missing == {"deleteProfile"}  # the alias of a deletion that was checked


def _rejection(client: ApiClient, endpoint: Documented, status: int, code: str) -> tuple[Any, Any]:
    response = client.generic(endpoint.method, endpoint.path.replace("{id}", str(uuid4())))
    sample = endpoint.spec["responses"][str(status)]["content"][JSON]["examples"][code]["value"]
    return (response.status_code, response.json()), (status, sample)


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", protected, ids=lambda endpoint: endpoint.spec["operationId"])
def test_an_anonymous_request_is_rejected_as_documented(api: ApiClient, endpoint: Documented) -> None:
    rejection, documented = _rejection(api, endpoint, 401, "authentication_required")

    assert rejection == documented


@pytest.mark.parametrize("endpoint", administrative, ids=lambda endpoint: endpoint.spec["operationId"])
def test_a_user_without_admin_rights_is_rejected_as_documented(endpoint: Documented, alice: Any, sign_in: Any) -> None:
    rejection, documented = _rejection(sign_in(alice).client, endpoint, 403, "permission_denied")

    assert rejection == documented
