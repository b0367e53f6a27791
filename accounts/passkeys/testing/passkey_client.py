"""Requests of the passkey endpoints, made by a software authenticator, and users who have a passkey."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from accounts.models import User
from accounts.passkeys.testing.authenticator import Json, SoftwareAuthenticator
from accounts.testing.api_client import ApiClient, SignedIn


@dataclass
class UserWithPasskey:
    """`session` is the session in which the user added the passkey."""

    user: User
    authenticator: SoftwareAuthenticator
    session: SignedIn
    recovery_codes: list[str] = field(repr=False)


def new_authenticator(**options: Any) -> SoftwareAuthenticator:
    """Return an authenticator without passkeys, at the first of WEBAUTHN_ORIGINS."""
    return SoftwareAuthenticator(origin=settings.WEBAUTHN_ORIGINS[0], **options)


def registration_options(session: SignedIn) -> Json:
    return _options(session.client.post("/passkeys/registration/options"))


def register(session: SignedIn, authenticator: SoftwareAuthenticator, **overrides: Any) -> Any:
    """Add a passkey and return the response."""
    credential = authenticator.create(registration_options(session), **overrides)
    return session.client.post("/passkeys", {"credential": credential})


def with_passkey(session: SignedIn, **authenticator: Any) -> UserWithPasskey:
    holder = new_authenticator(**authenticator)
    response = register(session, holder)
    assert response.status_code == 201, response.content
    session.user.refresh_from_db()
    return UserWithPasskey(session.user, holder, session, response.json()["data"].get("recoveryCodes", []))


def sign_in_options(client: ApiClient | None = None) -> Json:
    return _options((client or ApiClient()).post("/passkeys/login/options"))


def sign_in(authenticator: SoftwareAuthenticator, client: ApiClient | None = None, **overrides: Any) -> Any:
    """Sign in by the newest passkey and return the response."""
    return send_assertion(authenticator.get(sign_in_options(client), **overrides), client)


def send_assertion(credential: Json, client: ApiClient | None = None, **body: Any) -> Any:
    return (client or ApiClient()).post("/passkeys/login", {"credential": credential} | body)


def second_factor_options(mfa_token: str) -> Json:
    return _options(ApiClient().post("/mfa/passkey/options", {"mfaToken": mfa_token}))


def verify_second_factor(mfa_token: str, authenticator: SoftwareAuthenticator, **overrides: Any) -> Any:
    credential = authenticator.get(second_factor_options(mfa_token), **overrides)
    return ApiClient().post("/mfa/verify", {"mfaToken": mfa_token, "credential": credential})


def step_up_options(session: SignedIn) -> Json:
    return _options(session.client.post("/reauthenticate/options"))


def sign_up_options(*, email: str, username: str) -> Json:
    return _options(ApiClient().post("/passkeys/signup/options", {"email": email, "username": username}))


def _options(response: Any) -> Json:
    assert response.status_code == 200, response.content
    options: Json = response.json()["data"]["publicKey"]
    return options
