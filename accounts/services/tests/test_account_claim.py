"""Mallory registers the email of alice. When alice first verifies it by a reset, everything that mallory set up is removed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.mfa.models import RecoveryCode, TotpFactor
from accounts.models import AuditEvent, AuditKind, EmailChange, PendingLogin, Role, User
from accounts.models.user_fields import PROFILE_FIELDS
from accounts.registries import CLAIM_EFFECTS
from accounts.services import account_claim
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import enrol
from sessions_tracking.models import Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

EMAIL, NEW = "alice@example.com", "Another-Horse-8"
NAMES = {"firstName": "Mallory", "lastName": "Planted"}


@pytest.fixture
def planted(db: None, settings: Settings) -> User:
    """Register the email of alice as mallory."""
    settings.EMAIL_VERIFICATION = "optional"
    form = {"email": EMAIL, "username": "mallory", "password": PASSWORD} | NAMES
    assert ApiClient().post("/register", form).status_code == 201
    return User.objects.get()


def _find_email(outbox: Outbox, subject: str) -> EmailMessage:
    return [message for message in outbox() if message.to == [EMAIL] and subject in str(message.subject).lower()][-1]


def _reset(outbox: Outbox) -> Any:
    ApiClient().post("/forgot-password", {"email": EMAIL})
    return ApiClient().post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": NEW})


def test_a_reset_of_an_unverified_account_removes_everything_planted(
    planted: User, sign_in: SignIn, outbox: Outbox
) -> None:
    verification = outbox()[-1]
    first = sign_in(planted, data={"note": "mallory's"}, deviceName="mallory's laptop")
    first.client.post("/change-email", {"newEmail": "mallory@evil.example", "password": PASSWORD})
    change_code = code_in([message for message in outbox() if message.to == ["mallory@evil.example"]][-1])
    enrol(first)
    waiting = ApiClient().post("/login", {"username": "mallory", "password": PASSWORD}).json()["data"]["mfaToken"]

    assert _reset(outbox).status_code == 200

    user = User.objects.get(email=EMAIL)
    assert (user.first_name, user.last_name, user.mfa_enabled, user.known_devices) == ("", "", False, [])
    assert re.fullmatch(r"user-[0-9a-f]{16}", user.username)
    assert user.email_verified
    assert not TotpFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert not PendingLogin.objects.filter(ended_at=None).exists()
    assert not EmailChange.objects.pending().exists()
    assert list(Session.objects.values_list("name", "data")) == [("", {})]
    assert first.client.get("/me").json()["code"] == "session_revoked"
    assert ApiClient().post("/refresh", {"refreshToken": first.refresh}).json()["code"] == "session_revoked"
    assert ApiClient().post("/mfa/verify", {"mfaToken": waiting, "code": "123456"}).status_code == 401
    assert ApiClient().post("/verify-email", {"email": EMAIL, "code": code_in(verification)}).status_code == 400
    link = {"email": EMAIL, "token": token_in(verification)}
    assert ApiClient().get("/verify-email", query_params=link).status_code == 401
    for names in ({"email": EMAIL}, {"username": "mallory"}):
        assert ApiClient().post("/login", names | {"password": PASSWORD}).status_code == 401
    signed_in = sign_in(user, password=NEW)
    assert signed_in.client.post("/change-email/confirm", {"code": change_code}).json()["code"] == "code_invalid"
    subjects = [str(message.subject).lower() for message in outbox() if message.to == [EMAIL]]
    assert sum("welcome" in subject for subject in subjects) == 1
    assert sum("password" in subject and "changed" in subject for subject in subjects) == 1
    assert AuditEvent.objects.get(kind=AuditKind.PASSWORD_RESET).facts["takeOver"] is True


@pytest.mark.parametrize("field", sorted({*PROFILE_FIELDS} - {"username", "language"}))
def test_a_claim_resets_every_profile_field(planted: User, outbox: Outbox, field: str) -> None:
    User.objects.filter(id=planted.id).update(**{field: "planted"})

    assert _reset(outbox).status_code == 200

    assert getattr(User.objects.get(id=planted.id), field) == getattr(User(), field)


def _verified(user: User) -> None:
    User.objects.filter(id=user.id).update(email_verified_at=timezone.now())


def _invited(user: User) -> None:
    user.set_unusable_password()
    user.save()


def _as_administrator(user: User) -> None:
    User.objects.filter(id=user.id).update(role=Role.ADMIN)


def _as_staff(user: User) -> None:
    User.objects.filter(id=user.id).update(is_staff=True)


def _unverified(_user: User) -> None:
    """Leave the account unverified."""


def _by_reset(outbox: Outbox) -> Any:
    return _reset(outbox)


def _by_code(outbox: Outbox) -> Any:
    return ApiClient().post("/verify-email", {"email": EMAIL, "code": code_in(_find_email(outbox, "verify"))})


def _by_link(outbox: Outbox) -> Any:
    token = token_in(_find_email(outbox, "verify"))
    return ApiClient().get("/verify-email", query_params={"email": EMAIL, "token": token})


@pytest.mark.parametrize(
    ("state", "prove", "is_taken_over"),
    [
        (_unverified, _by_reset, True),
        (_unverified, _by_code, False),
        (_unverified, _by_link, False),
        (_verified, _by_reset, False),
        (_invited, _by_reset, False),
        (_as_administrator, _by_reset, False),
        (_as_staff, _by_reset, False),
    ],
)
def test_only_the_first_verification_by_another_client_takes_over_an_account(
    planted: User, outbox: Outbox, state: Any, prove: Any, is_taken_over: bool
) -> None:
    outbox()
    state(planted)

    assert prove(outbox).status_code == 200

    user = User.objects.get(email=EMAIL)
    assert user.email_verified
    assert (user.username, user.first_name) != ("mallory", "Mallory") if is_taken_over else user.username == "mallory"


@pytest.mark.parametrize("mode", ["mandatory", "optional", "none"])
def test_a_take_over_does_not_depend_on_the_verification_settings(
    planted: User, outbox: Outbox, settings: Settings, mode: str
) -> None:
    settings.EMAIL_VERIFICATION = mode

    _reset(outbox)

    assert User.objects.get().username != "mallory"


def test_a_reset_does_not_remove_the_second_factor_of_an_administrator(
    planted: User, sign_in: SignIn, outbox: Outbox
) -> None:
    _as_administrator(planted)
    session = enrol(sign_in(planted)).session
    browser = Client()
    browser.force_login(planted)

    assert _reset(outbox).status_code == 200

    assert ApiClient().post("/login", {"email": EMAIL, "password": NEW}).json()["data"]["mfaRequired"] is True
    assert session.client.get("/me").status_code == 401


def test_a_deactivated_account_cannot_be_taken_over(planted: User, outbox: Outbox) -> None:
    ApiClient().post("/forgot-password", {"email": EMAIL})
    token = token_in(outbox()[-1])
    User.objects.filter(id=planted.id).update(is_active=False)

    response = ApiClient().post("/reset-password", {"token": token, "newPassword": NEW})

    assert (response.status_code, response.json()["code"]) == (400, "token_invalid")
    assert User.objects.get().username == "mallory"


def test_every_table_with_a_key_to_the_user_has_a_claim_effect() -> None:
    """A new table belongs in the `relations` of a ClaimEffect, or in `kept` with the reason."""
    effects = (*account_claim.CORE_EFFECTS, *CLAIM_EFFECTS)
    handled = {relation for effect in effects for relation in effect.relations}
    kept = {"emails"}  # a history without codes and links
    related = {relation.get_accessor_name() for relation in User._meta.related_objects}

    assert related - {"logentry_set"} == handled | kept
