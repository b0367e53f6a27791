"""A user who signed up with a passkey and still reads their email regains access after any sequence of API calls."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage

from accounts.models import User
from accounts.passkeys.testing.authenticator import SoftwareAuthenticator
from accounts.passkeys.testing.passkey_client import new_authenticator, register, sign_in, sign_up_options
from accounts.services import sign_in_methods
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import AuthenticatorApp

pytestmark = pytest.mark.django_db

Outbox = Callable[[], list[EmailMessage]]
SEQUENCES, STEPS = 12, 14


@dataclass
class Person:
    """Erin holds what a person holds: authenticators, perhaps a password, an app and recovery codes; and a mailbox."""

    user: User
    outbox: Outbox
    clock: time_machine.Traveller
    admin: SignedIn
    authenticators: list[SoftwareAuthenticator] = field(default_factory=list)
    password: str | None = None
    app: AuthenticatorApp | None = None
    recovery_codes: list[str] = field(default_factory=list)
    session: SignedIn | None = None

    def mail(self) -> EmailMessage:
        return [message for message in self.outbox() if self.user.email in message.to][-1]

    def keep(self, response: Any) -> Any:
        """Keep what a response shows once, and the session that it starts."""
        data = response.json().get("data", {})
        self.recovery_codes = data.get("recoveryCodes", self.recovery_codes)
        if "token" in data and "user" in data:
            self.session = SignedIn(self.user, ApiClient().bearing(data["token"]), data)
        return response


@pytest.fixture
def erin(
    db: None, outbox: Outbox, admin: User, sign_in: Callable[..., SignedIn], clock: time_machine.Traveller
) -> Person:
    """Sign erin up with a passkey, and verify her email by the registration's code."""
    authenticator, fields = new_authenticator(), {"email": "erin@example.com", "username": "erin"}
    credential = authenticator.create(sign_up_options(**fields))
    assert ApiClient().post("/register", fields | {"credential": credential}).status_code == 201
    person = Person(User.objects.get(username="erin"), outbox, clock, sign_in(admin), [authenticator])
    assert (
        ApiClient().post("/verify-email", {"email": "erin@example.com", "code": code_in(person.mail())}).status_code
        == 200
    )
    return person


def sign_in_somehow(erin: Person) -> bool:
    """Sign in with what erin holds: a passkey, else the password and a second factor."""
    for authenticator in erin.authenticators:
        if erin.keep(sign_in(authenticator)).status_code == 200:
            return True
    return erin.password is not None and _sign_in_with_password(erin) is None


def _sign_in_with_password(erin: Person) -> str | None:
    """Sign in, and return the mfaToken if no second factor that erin holds completes the login. The password is right."""
    erin.session = None
    response = erin.keep(ApiClient().post("/login", {"username": "erin", "password": erin.password}))
    token: str | None = response.json().get("data", {}).get("mfaToken")
    if token and erin.app is not None:
        erin.clock.shift(30)
        erin.keep(ApiClient().post("/mfa/verify", {"mfaToken": token, "code": erin.app.code()}))
    if token and erin.session is None and erin.recovery_codes:
        code = erin.recovery_codes.pop()
        erin.keep(ApiClient().post("/mfa/verify", {"mfaToken": token, "recoveryCode": code}))
    return token if erin.session is None else None


def regain_access(erin: Person) -> None:
    """Reset the password by email and, if a lost second factor is in the way, wait for its recovery."""
    reset_password(erin)
    token = _sign_in_with_password(erin)
    if erin.session is not None:
        return
    started = ApiClient().post("/mfa/recovery", {"mfaToken": token})
    assert started.status_code == 202, started.content
    link = token_in(_recovery_email(erin))
    erin.clock.shift(timedelta(hours=24, seconds=1))
    completed = ApiClient().post("/mfa/recovery/complete", {"token": link})
    assert completed.status_code == 200, completed.content
    erin.app, erin.recovery_codes, erin.authenticators = None, [], []
    _sign_in_with_password(erin)


def _recovery_email(erin: Person) -> EmailMessage:
    """Return the last email of a recovery that has begun: a repeated request sends none."""
    messages = [message for message in erin.outbox() if erin.user.email in message.to]
    return next(message for message in reversed(messages) if "/recovery?token=" in str(message.body))


def add_passkey(erin: Person) -> None:
    authenticator = new_authenticator()
    if erin.session and erin.keep(register(erin.session, authenticator)).status_code == 201:
        erin.authenticators.append(authenticator)


def remove_a_passkey(erin: Person) -> None:
    if erin.session is None:
        return
    passkeys = erin.session.client.get("/passkeys").json().get("data", {}).get("passkeys", [])
    for passkey in passkeys[:1]:
        erin.session.client.delete(f"/passkeys/{passkey['id']}", _password(erin))


def reset_password(erin: Person) -> None:
    assert ApiClient().post("/forgot-password", {"email": "erin@example.com"}).status_code == 200
    password = f"New-Horse-{erin.user.id.hex[:6]}-{len(erin.outbox())}"
    body = {"token": token_in(erin.mail()), "newPassword": password}
    if ApiClient().post("/reset-password", body).status_code == 200:
        erin.password, erin.session = password, None


def verify_email_again(erin: Person) -> None:
    ApiClient().post("/resend-verification", {"email": "erin@example.com"})


def sign_in_by_code(erin: Person) -> None:
    requested = ApiClient().post("/login/code", {"email": "erin@example.com"})
    if requested.status_code == 200:
        code = code_in(erin.mail())
        erin.keep(
            ApiClient().post("/login/code/verify", {"loginToken": requested.json()["data"]["loginToken"], "code": code})
        )


def turn_login_codes_off(erin: Person) -> None:
    if erin.session:
        erin.session.client.patch("/me", {"loginCodes": False})


def deactivate_and_reactivate(erin: Person) -> None:
    for is_active in (False, True):
        response = erin.admin.client.patch(f"/users/{erin.user.id}", {"isActive": is_active})
        assert response.status_code in {200, 401}, response.content


def add_app(erin: Person) -> None:
    if erin.session is None:
        return
    started = erin.session.client.post("/mfa/totp")
    if started.status_code == 200:
        app = AuthenticatorApp(started.json()["data"]["secret"])
        if erin.keep(erin.session.client.post("/mfa/totp/confirm", {"code": app.code()})).status_code == 200:
            erin.app = app


def remove_app(erin: Person) -> None:
    if erin.session and erin.session.client.delete("/mfa/totp", _password(erin)).status_code == 200:
        erin.app = None


def renew_recovery_codes(erin: Person) -> None:
    if erin.session:
        erin.keep(erin.session.client.post("/mfa/recovery-codes", _password(erin)))


def start_recovery(erin: Person) -> None:
    if erin.password is not None:
        response = ApiClient().post("/login", {"username": "erin", "password": erin.password})
        token = response.json().get("data", {}).get("mfaToken")
        if token:
            ApiClient().post("/mfa/recovery", {"mfaToken": token})


def cancel_recovery(erin: Person) -> None:
    if erin.session:
        erin.session.client.post("/mfa/recovery/cancel")


def lose_all_devices(erin: Person) -> None:
    erin.authenticators, erin.app, erin.recovery_codes, erin.session = [], None, [], None


def sign_out_everywhere(erin: Person) -> None:
    if erin.session:
        erin.session.client.post("/logout-all")
        erin.session = None


def wait_an_hour(erin: Person) -> None:
    erin.clock.shift(timedelta(hours=1))


def _password(erin: Person) -> dict[str, str]:
    return {} if erin.password is None else {"password": erin.password}


ACTIONS: list[Callable[[Person], object]] = [
    add_passkey,
    add_passkey,
    remove_a_passkey,
    remove_a_passkey,
    reset_password,
    verify_email_again,
    sign_in_by_code,
    turn_login_codes_off,
    deactivate_and_reactivate,
    add_app,
    remove_app,
    renew_recovery_codes,
    start_recovery,
    cancel_recovery,
    lose_all_devices,
    sign_out_everywhere,
    wait_an_hour,
    sign_in_somehow,
]


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_no_sequence_of_calls_locks_out_a_user_who_signed_up_with_a_passkey(erin: Person, seed: int) -> None:
    chooser = random.Random(seed)  # noqa: S311 - a choice to repeat, not a secret
    sign_in_somehow(erin)

    for action in chooser.choices(ACTIONS, k=STEPS):
        action(erin)
        assert sign_in_methods.get_available(User.objects.get(id=erin.user.id)), action.__name__

    if not sign_in_somehow(erin):
        regain_access(erin)
    assert erin.session is not None
    assert erin.session.client.get("/me").status_code == 200


def test_the_last_passkey_of_a_user_without_a_password_stays(erin: Person) -> None:
    sign_in_somehow(erin)
    [passkey] = erin.session.client.get("/passkeys").json()["data"]["passkeys"] if erin.session else []

    response = erin.session.client.delete(f"/passkeys/{passkey['id']}") if erin.session else None

    assert response is not None
    assert (response.status_code, response.json()["code"]) == (400, "last_sign_in_method")
    assert sign_in_somehow(erin)
