"""Who cannot recover from a lost second factor by email, and what stops or outlives an open recovery."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.core.management import call_command
from pytest_django import Settings
from time_machine import Traveller

from accounts.mfa.models import FactorRecovery, MfaAuditKind, TotpFactor
from accounts.mfa.tests.recoveries import BEGUN, begin, cancel, complete, tokens_in
from accounts.models import AuditEvent, EmailState, OutboxEmail, Role, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import UserWithTotp, enrol, verify

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]

DAY = timedelta(hours=24)
NEW = "Another-Horse-8"
PRIVILEGED = [{"role": Role.ADMIN}, {"is_staff": True}, {"is_superuser": True}]


def _begun(alice_with_totp: UserWithTotp, outbox: Outbox) -> tuple[str, str]:
    assert begin(alice_with_totp.pending()).status_code == 202
    return tokens_in(outbox())


@pytest.mark.parametrize("rights", PRIVILEGED)
def test_administrators_and_staff_cannot_begin(alice_with_totp: UserWithTotp, rights: dict[str, object]) -> None:
    User.objects.filter(id=alice_with_totp.user.id).update(**rights)

    response = begin(alice_with_totp.pending())

    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert not FactorRecovery.objects.exists()
    assert not OutboxEmail.objects.filter(kind="recovery_begun").exists()


@pytest.mark.parametrize("rights", PRIVILEGED)
def test_a_user_who_became_staff_meanwhile_cannot_complete(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller, rights: dict[str, object]
) -> None:
    token, stop = _begun(alice_with_totp, outbox)
    User.objects.filter(id=alice_with_totp.user.id).update(**rights)
    clock.shift(DAY)

    response = complete(token)

    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert TotpFactor.objects.count() == 1
    assert cancel(stop).status_code == 200


def test_an_unverified_email_is_not_enough(alice_with_totp: UserWithTotp, settings: Settings) -> None:
    settings.EMAIL_VERIFICATION = "optional"
    User.objects.filter(id=alice_with_totp.user.id).update(email_verified_at=None)

    assert begin(alice_with_totp.pending()).json()["code"] == "permission_denied"


def test_the_setting_switches_the_recovery_off(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller, settings: Settings
) -> None:
    token, _stop = _begun(alice_with_totp, outbox)
    clock.shift(DAY)
    settings.RECOVERY_DELAY = None

    assert [complete(token).status_code, begin(alice_with_totp.pending()).status_code] == [403, 403]
    assert User.objects.get().mfa_enabled


def test_the_delay_is_a_setting(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller, settings: Settings
) -> None:
    settings.RECOVERY_DELAY = timedelta(hours=2)
    token, _stop = _begun(alice_with_totp, outbox)
    settings.RECOVERY_DELAY = DAY  # it applies to recoveries that begin later
    clock.shift(timedelta(hours=2))

    assert complete(token).status_code == 200


def test_the_first_factor_is_required(alice_with_totp: UserWithTotp) -> None:
    expired, session = "bm90IGEgdG9rZW4", alice_with_totp.session.access

    for token in (expired, session, alice_with_totp.session.refresh):
        response = begin(token)
        assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert not FactorRecovery.objects.exists()


def test_an_expired_login_cannot_begin(alice_with_totp: UserWithTotp, clock: Traveller) -> None:
    token = alice_with_totp.pending()
    clock.shift(301)

    assert begin(token).json()["code"] == "token_expired"


def test_a_deactivated_user_neither_begins_nor_completes(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    token, _stop = _begun(alice_with_totp, outbox)
    pending = alice_with_totp.pending()
    User.objects.filter(id=alice_with_totp.user.id).update(is_active=False)
    clock.shift(DAY)

    assert complete(token).json()["code"] == "token_invalid"
    assert begin(pending).json()["code"] == "token_invalid"
    assert TotpFactor.objects.count() == 1


def test_a_password_reset_by_the_same_mailbox_changes_nothing(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    token, _stop = _begun(alice_with_totp, outbox)
    before = FactorRecovery.objects.values().get()
    ApiClient().post("/forgot-password", {"email": "alice@example.com"})
    reset = ApiClient().post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": NEW})

    assert reset.status_code == 200
    assert complete(token).json()["code"] == "recovery_not_ready"
    assert ApiClient().post("/login", {"username": "alice", "password": NEW}).json()["data"]["mfaRequired"]
    assert FactorRecovery.objects.values().get() == before
    clock.shift(DAY)
    assert complete(token).status_code == 200
    assert "token" in ApiClient().post("/login", {"username": "alice", "password": NEW}).json()["data"]


def test_a_changed_email_invalidates_the_links_even_if_it_is_changed_back(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    token, stop = _begun(alice_with_totp, outbox)
    for email in ("alice@example.org", "alice@example.com"):
        clock.shift(120)
        client = alice_with_totp.session.client
        assert client.post("/change-email", {"newEmail": email, "password": PASSWORD}).status_code == 200
        code = code_in(next(message for message in reversed(outbox()) if message.to == [email]))
        assert client.post("/change-email/confirm", {"code": code}).status_code == 200
        assert cancel(stop).json()["code"] == "token_invalid"

    clock.shift(DAY)
    assert complete(token).json()["code"] == "token_invalid"
    fresh, _stop = _begun(alice_with_totp, outbox)
    assert complete(fresh).json()["code"] == "recovery_not_ready"
    assert FactorRecovery.objects.unfinished().count() == 1


def test_turning_two_factor_authentication_off_closes_the_recovery(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    token, _stop = _begun(alice_with_totp, outbox)
    session = alice_with_totp.session
    assert session.client.delete("/mfa/totp", {"password": PASSWORD}).status_code == 200
    enrol(session)
    clock.shift(DAY)

    assert complete(token).json()["code"] == "token_invalid"
    assert TotpFactor.objects.count() == 1


def test_a_recovery_goes_with_the_account(alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller) -> None:
    token, stop = _begun(alice_with_totp, outbox)
    assert alice_with_totp.session.client.delete("/me", {"password": PASSWORD}).status_code == 200
    clock.shift(DAY)

    assert [complete(token).json()["code"], cancel(stop).json()["code"]] == ["token_invalid"] * 2
    assert not FactorRecovery.objects.exists()


def test_an_email_that_waits_is_not_sent_once_the_recovery_was_stopped(
    alice_with_totp: UserWithTotp, outbox: Outbox
) -> None:
    begin(alice_with_totp.pending())
    assert alice_with_totp.session.client.post("/mfa/recovery/cancel").status_code == 200

    assert BEGUN not in [message.subject for message in outbox()]
    assert not OutboxEmail.objects.filter(kind="recovery_begun", state=EmailState.SENT).exists()


def test_a_late_worker_sends_the_email_once_and_the_clock_runs_from_the_request(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    available_at = begin(alice_with_totp.pending()).json()["data"]["availableAt"]
    clock.shift(timedelta(hours=10))
    assert begin(alice_with_totp.pending()).json()["data"]["availableAt"] == available_at

    assert [message.subject for message in outbox()].count(BEGUN) == 1

    clock.shift(timedelta(hours=14))
    assert complete(tokens_in(outbox())[0]).status_code == 200


def test_another_site_can_neither_begin_nor_stop_a_recovery(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    _token, stop = _begun(alice_with_totp, outbox)
    evil = ApiClient(HTTP_ORIGIN="https://evil.example")
    evil.cookies["jwt"] = alice_with_totp.session.access

    bodies: list[dict[str, str]] = [{"token": stop}, {}]
    responses = [evil.post("/mfa/recovery/cancel", body) for body in bodies]
    responses.append(begin(alice_with_totp.pending(), evil))

    assert {response.json()["code"] for response in responses} == {"origin_not_allowed"}
    assert FactorRecovery.objects.get().cancelled_at is None


def test_the_activity_and_the_export_show_the_recovery(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    _token, stop = _begun(alice_with_totp, outbox)
    cancel(stop)

    client = alice_with_totp.session.client
    kinds = [event["kind"] for event in client.get("/me/activity").json()["data"]["events"]]
    exported = client.get("/me/export").json()["data"]["secondFactor"]["recoveries"]

    assert kinds[:1] == [MfaAuditKind.RECOVERY_STOPPED]
    assert MfaAuditKind.RECOVERY_BEGUN in kinds
    assert [row["cancelledAt"] is not None for row in exported] == [True]
    assert stop not in str(exported)


def test_the_cleanup_deletes_recoveries_whose_links_have_expired(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    _begun(alice_with_totp, outbox)
    call_command("cleanup_tokens", verbosity=0)
    assert FactorRecovery.objects.count() == 1
    clock.shift(DAY + timedelta(days=7))

    call_command("cleanup_tokens", verbosity=0)

    assert not FactorRecovery.objects.exists()
    assert AuditEvent.objects.filter(kind=MfaAuditKind.RECOVERY_BEGUN).exists()


def test_requests_are_limited_by_ip(alice_with_totp: UserWithTotp, limits_on: Settings) -> None:
    codes = [cancel("bm90IGEgdG9rZW4").json()["code"] for _ in range(61)]

    assert codes == ["token_invalid"] * 60 + ["rate_limited"]
    assert verify("bm90IGEgdG9rZW4", code="000000").json()["code"] == "rate_limited"
