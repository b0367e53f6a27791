"""Mallory registers the email of alice. When alice first proves it by an emailed code, everything mallory set up is removed."""

import re
import uuid
from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.login_codes.tests.requests import ALICE, Outbox, emailed, outcome, verify
from accounts.mail import outbox as mail_outbox
from accounts.models import AuditEvent, AuditKind, EmailChange, OutboxEmail, PendingLogin, Role, User
from accounts.passkeys.models import Passkey
from accounts.passkeys.testing.passkey_client import sign_in as sign_in_with_passkey
from accounts.passkeys.testing.passkey_client import with_passkey
from accounts.services.diagnostics import session_report
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import enrol
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]


@pytest.fixture
def planted(db: None, settings: Settings) -> User:
    """Register the email of alice as mallory."""
    settings.EMAIL_VERIFICATION = "optional"
    names = {"firstName": "Mallory", "lastName": "Planted"}
    form = {"email": ALICE, "username": "mallory", "password": PASSWORD} | names
    assert ApiClient().post("/register", form).status_code == 201
    return User.objects.get()


@pytest.mark.parametrize("by", ["code", "token"])
def test_the_first_proof_of_an_email_removes_everything_planted(
    planted: User, sign_in: SignIn, outbox: Outbox, by: str
) -> None:
    verification = outbox()[-1]
    first = sign_in(planted, data={"note": "mallory's"}, deviceName="mallory's laptop")
    first.client.post("/change-email", {"newEmail": "mallory@evil.example", "password": PASSWORD})
    ApiClient().post("/forgot-password", {"email": ALICE})
    reset = token_in(outbox()[-1])
    sent = emailed(outbox)
    app = enrol(first).app
    waiting = ApiClient().post("/login", {"username": "mallory", "password": PASSWORD}).json()["data"]["mfaToken"]

    response = verify(loginToken=sent.login_token, **{by: getattr(sent, by)})

    assert response.status_code == 200
    user, session = User.objects.get(), Session.objects.get(revoked_at=None)
    assert response.json()["data"]["user"]["username"] == user.username
    assert re.fullmatch(r"user-[0-9a-f]{16}", user.username)
    assert (user.first_name, user.last_name, user.mfa_enabled, user.email_verified) == ("", "", False, True)
    assert not user.has_usable_password()
    assert str(session.id) == response.json()["data"]["session"]["id"]
    assert not Session.objects.exclude(data={}, name="").exists()
    assert not EmailChange.objects.pending().exists()
    assert not PendingLogin.objects.filter(ended_at=None).exists()
    assert first.client.get("/me").json()["code"] == "session_revoked"
    assert ApiClient().post("/refresh", {"refreshToken": first.refresh}).json()["code"] == "session_revoked"
    assert ApiClient().post("/mfa/verify", {"mfaToken": waiting, "code": app.code()}).status_code == 401
    assert ApiClient().post("/reset-password", {"token": reset, "newPassword": PASSWORD}).status_code == 400
    assert ApiClient().post("/verify-email", {"email": ALICE, "code": code_in(verification)}).status_code == 400
    for names in ({"email": ALICE}, {"username": "mallory"}):
        assert ApiClient().post("/login", names | {"password": PASSWORD}).status_code == 401


def test_a_planted_passkey_is_removed_and_no_second_factor_is_asked_for(
    planted: User, sign_in: SignIn, outbox: Outbox
) -> None:
    mallory = with_passkey(sign_in(planted))
    assert sign_in_with_passkey(mallory.authenticator).status_code == 200
    outbox()
    sent = emailed(outbox)

    response = verify(loginToken=sent.login_token, code=sent.code)

    assert response.json()["data"]["user"]["mfaEnabled"] is False
    assert not Passkey.objects.exists()
    assert outcome(sign_in_with_passkey(mallory.authenticator)) == (401, "passkey_unknown")
    assert Session.objects.filter(revoked_at=None).count() == 1


def test_a_take_over_is_recorded_and_welcomes_the_owner_once(planted: User, outbox: Outbox) -> None:
    outbox()
    for _ in range(2):
        sent = emailed(outbox)
        assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == (200, "ok")

    assert OutboxEmail.objects.filter(kind="welcome").count() == 1
    assert AuditEvent.objects.get(kind=AuditKind.EMAIL_VERIFIED).facts == {"how": "login_code", "takeOver": True}


def test_support_sees_that_a_take_over_ended_the_sessions(planted: User, sign_in: SignIn, outbox: Outbox) -> None:
    first = sign_in(planted)
    outbox()
    sent = emailed(outbox)
    verify(loginToken=sent.login_token, code=sent.code)

    report = session_report.get_report(uuid.UUID(first.session_id))
    assert (report.state, report.session.revoked_reason) == ("ended", "taken_over")
    assert report.revoking_event is not None
    assert report.revoking_event.facts["takeOver"] is True


def test_an_unsent_reset_is_not_sent_after_a_take_over(planted: User, outbox: Outbox) -> None:
    outbox()
    sent = emailed(outbox)
    mail_outbox.password_reset(email=ALICE, language="en")

    verify(loginToken=sent.login_token, code=sent.code)

    assert not any("reset-password?token" in str(message.body) for message in outbox())


def test_the_planted_switch_against_codes_is_reset(planted: User, outbox: Outbox) -> None:
    User.objects.update(login_codes=False)
    ApiClient().post("/forgot-password", {"email": ALICE})
    token = token_in(outbox()[-1])

    ApiClient().post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"})

    assert User.objects.get().login_codes


def _verified(user: User) -> None:
    User.objects.filter(id=user.id).update(email_verified_at=timezone.now())


def _invited(user: User) -> None:
    user.set_unusable_password()
    user.save()


def _as_administrator(user: User) -> None:
    User.objects.filter(id=user.id).update(role=Role.ADMIN)


@pytest.mark.parametrize("state", [_verified, _invited, _as_administrator])
def test_verified_invited_and_privileged_accounts_keep_their_names(
    planted: User, outbox: Outbox, state: Callable[[User], None]
) -> None:
    outbox()
    state(planted)
    before = User.objects.get()
    sent = emailed(outbox)

    assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == (200, "ok")

    user = User.objects.get()
    assert (user.username, user.first_name, user.email_verified) == ("mallory", "Mallory", True)
    assert user.password == before.password or state is _as_administrator


def test_a_second_factor_of_an_administrator_survives_and_is_required(
    planted: User, sign_in: SignIn, outbox: Outbox
) -> None:
    _as_administrator(planted)
    enrol(sign_in(planted))
    outbox()
    sent = emailed(outbox)

    response = verify(loginToken=sent.login_token, code=sent.code)

    assert response.json()["data"]["mfaRequired"] is True
    assert not Session.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize("mode", ["mandatory", "optional", "none"])
def test_a_sign_in_by_code_verifies_whatever_the_settings(
    bob: User, outbox: Outbox, settings: Settings, mode: str
) -> None:
    settings.EMAIL_VERIFICATION = mode
    sent = emailed(outbox, "bob@example.com")

    assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == (200, "ok")
    assert User.objects.get().email_verified
    assert not User.objects.get().has_usable_password()


def test_a_registration_that_hides_the_account_gets_no_code(alice: User, outbox: Outbox, settings: Settings) -> None:
    """With PREVENT_ENUMERATION, mallory registers the email of alice: the placeholder has no email, alice's account has."""
    settings.PREVENT_ENUMERATION = True
    ApiClient().post("/register", {"email": ALICE, "username": "mallory", "password": "Another-Horse-8"})
    outbox()
    sent = emailed(outbox)

    response = verify(loginToken=sent.login_token, code=sent.code)

    assert response.json()["data"]["user"]["id"] == str(alice.id)
