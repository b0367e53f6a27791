"""Recovery from a lost second factor: the first factor, the mailbox and a delay in which the owner can stop it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from time_machine import Traveller

from accounts.mfa.models import FactorRecovery, MfaAuditKind, RecoveryCode, TotpFactor
from accounts.mfa.tests import another_factor
from accounts.mfa.tests.recoveries import BEGUN, COMPLETED, STOPPED, begin, cancel, complete, tokens_in
from accounts.models import AuditEvent, OutboxEmail, PendingLogin, User
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import UserWithTotp, enrol, verify
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]

DAY = timedelta(hours=24)


def _codes(*responses: object) -> list[object]:
    return [response.json().get("code", "ok") for response in responses]  # type: ignore[attr-defined]


def test_a_recovery_is_announced_with_two_links_and_when_it_is_available(
    alice_with_totp: UserWithTotp, outbox: Outbox
) -> None:
    response = begin(alice_with_totp.pending(), ApiClient(HTTP_USER_AGENT=CHROME, REMOTE_ADDR="203.0.113.7"))

    assert response.status_code == 202
    available_at = datetime.fromisoformat(response.json()["data"]["availableAt"])
    assert available_at - datetime.now(UTC) == DAY
    message = outbox()[-1]
    assert (message.subject, message.to) == (BEGUN, ["alice@example.com"])
    body = str(message.body)
    assert all(text in body for text in (f"{available_at:%H:%M} UTC", "203.0.113.7", "Chrome", "7 days"))
    completing, stopping = tokens_in(outbox())
    assert completing != stopping
    event = AuditEvent.objects.get(kind=MfaAuditKind.RECOVERY_BEGUN)
    assert (event.user_id, event.actor_id) == (alice_with_totp.user.id, alice_with_totp.user.id)
    assert Session.objects.count() == 1


def test_nothing_in_the_database_completes_or_stops_a_recovery(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    begin(alice_with_totp.pending())
    stored = str([*OutboxEmail.objects.values(), *FactorRecovery.objects.values(), *AuditEvent.objects.values()])

    completing, stopping = tokens_in(outbox())

    assert completing not in stored
    assert stopping not in stored
    assert _codes(complete(FactorRecovery.objects.get().id.hex), cancel(FactorRecovery.objects.get().id.hex)) == [
        "token_invalid",
        "token_invalid",
    ]


def test_repeating_the_request_changes_nothing_and_sends_nothing(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    token = alice_with_totp.pending()
    first = begin(token).json()
    repeated = begin(token).json()
    clock.shift(timedelta(hours=23))

    later = begin(alice_with_totp.pending()).json()

    assert first == repeated == later
    assert FactorRecovery.objects.count() == 1
    assert [message.subject for message in outbox()].count(BEGUN) == 1
    assert AuditEvent.objects.filter(kind=MfaAuditKind.RECOVERY_BEGUN).count() == 1


def test_before_the_delay_is_over_nothing_is_removed(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    token, _stop = tokens_in(outbox())
    clock.shift(DAY - timedelta(minutes=1))

    response = complete(token)

    assert (response.status_code, response.json()["code"]) == (400, "recovery_not_ready")
    assert response["Retry-After"] == "60"
    available_at = FactorRecovery.objects.get().available_at
    assert f"{available_at:%H:%M} UTC" in response.json()["message"]
    assert User.objects.get().mfa_enabled
    assert TotpFactor.objects.count() == 1


def test_after_the_delay_all_factors_are_removed_and_all_sessions_end(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    session, waiting = alice_with_totp.session, alice_with_totp.pending()
    with another_factor.registered():
        another_factor.add(alice_with_totp.user, session_id=session.session_id)
        begin(waiting)
        token, _stop = tokens_in(outbox())
        clock.shift(DAY)
        waiting = alice_with_totp.pending()

        response = complete(token)

        assert (response.status_code, not response.cookies) == (200, True)
        assert not another_factor.ANOTHER_FACTOR.rows(alice_with_totp.user.id).exists()
    assert User.objects.values_list("mfa_enabled", "recovery_codes_left").get() == (False, None)
    assert not TotpFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert not Session.objects.filter(revoked_at=None).exists()
    assert not PendingLogin.objects.filter(ended_at=None).exists()
    assert [message.subject for message in outbox()].count(COMPLETED) == 1
    clock.shift(-DAY)
    assert session.client.get("/me").json()["code"] == "session_revoked"
    assert "token" in ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]
    assert AuditEvent.objects.filter(kind=MfaAuditKind.RECOVERY_COMPLETED).count() == 1


def test_the_link_completes_once(alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller) -> None:
    begin(alice_with_totp.pending())
    token, stop = tokens_in(outbox())
    clock.shift(DAY)
    assert complete(token).status_code == 200
    again = enrol(SignedIn(alice_with_totp.user, *_new_session()))

    assert _codes(complete(token), cancel(stop)) == ["token_invalid", "token_invalid"]

    assert TotpFactor.objects.get().user == again.user
    assert [message.subject for message in outbox()].count(COMPLETED) == 1


def _new_session() -> tuple[ApiClient, dict[str, object]]:
    data = ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]
    return ApiClient().bearing(data["token"]), data


def test_the_link_expires_a_week_after_it_became_available(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    token, stop = tokens_in(outbox())
    clock.shift(DAY + timedelta(days=7))

    assert _codes(complete(token), cancel(stop)) == ["token_invalid", "token_invalid"]

    assert User.objects.get().mfa_enabled
    begin(alice_with_totp.pending())
    clock.shift(DAY)
    assert complete(tokens_in(outbox())[0]).status_code == 200


def test_the_link_of_the_email_stops_the_recovery(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    token, stop = tokens_in(outbox())

    assert cancel(stop).status_code == 200

    clock.shift(DAY)
    assert _codes(complete(token), cancel(token)) == ["token_invalid", "token_invalid"]
    assert TotpFactor.objects.count() == 1
    assert outbox()[-1].subject == STOPPED
    assert cancel(stop).status_code == 200  # a second use of the button
    assert [message.subject for message in outbox()].count(STOPPED) == 1
    assert AuditEvent.objects.filter(kind=MfaAuditKind.RECOVERY_STOPPED).count() == 1


def test_any_session_of_the_user_stops_the_recovery(
    alice_with_totp: UserWithTotp, outbox: Outbox, mallory: User, sign_in: SignIn, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    token, _stop = tokens_in(outbox())

    assert sign_in(mallory).client.post("/mfa/recovery/cancel").json()["code"] == "not_found"
    assert ApiClient().post("/mfa/recovery/cancel").json()["code"] == "authentication_required"
    assert alice_with_totp.session.client.post("/mfa/recovery/cancel", {}).status_code == 200

    nothing_left = alice_with_totp.session.client.post("/mfa/recovery/cancel")
    assert (nothing_left.status_code, nothing_left.json()["code"]) == (404, "not_found")
    event = AuditEvent.objects.get(kind=MfaAuditKind.RECOVERY_STOPPED)
    assert str(event.session_id) == alice_with_totp.session.session_id
    clock.shift(DAY)
    assert complete(token).json()["code"] == "token_invalid"


def test_an_ended_session_cannot_stop_a_recovery(alice_with_totp: UserWithTotp) -> None:
    begin(alice_with_totp.pending())
    alice_with_totp.session.client.post("/logout")

    assert alice_with_totp.session.client.post("/mfa/recovery/cancel").json()["code"] == "session_revoked"
    assert FactorRecovery.objects.get().cancelled_at is None


def test_a_session_that_ended_during_the_request_cannot_stop_a_recovery(alice_with_totp: UserWithTotp) -> None:
    """The cached principal is still active, as in a request that waits for the lock."""
    client = alice_with_totp.session.client
    begin(alice_with_totp.pending())
    assert client.get("/forward-auth").status_code == 200
    Session.objects.update(revoked_at=datetime.now(UTC))

    response = client.post("/mfa/recovery/cancel")

    assert (response.status_code, response.json()["code"]) == (401, "session_revoked")
    assert FactorRecovery.objects.get().cancelled_at is None


def test_after_a_stop_a_new_recovery_waits_its_whole_delay(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    first, stop = tokens_in(outbox())
    clock.shift(timedelta(hours=20))
    cancel(stop)

    begin(alice_with_totp.pending())
    second, _stop = tokens_in(outbox())
    clock.shift(timedelta(hours=20))

    assert _codes(complete(first), complete(second)) == ["token_invalid", "recovery_not_ready"]
    clock.shift(timedelta(hours=4))
    assert complete(second).status_code == 200


def test_a_sign_in_with_the_second_factor_does_not_stop_the_recovery(
    alice_with_totp: UserWithTotp, outbox: Outbox, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).status_code == 200

    clock.shift(DAY)

    assert complete(tokens_in(outbox())[0]).status_code == 200


@pytest.mark.parametrize("token", ["bm90IGEgdG9rZW4", "", "x" * 600, None, 5])
def test_other_tokens_are_rejected(alice_with_totp: UserWithTotp, token: object) -> None:
    for path, name in (("", "mfaToken"), ("/complete", "token"), ("/cancel", "token")):
        response = ApiClient().post(f"/mfa/recovery{path}", {name: token})
        assert (response.status_code, path) in {(400, path), (401, "")}
    assert not FactorRecovery.objects.exists()


def test_tokens_of_one_purpose_do_not_serve_another(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    pending = alice_with_totp.pending()
    begin(pending)
    completing, stopping = tokens_in(outbox())

    assert _codes(complete(stopping), complete(pending), cancel(completing), cancel(pending)) == ["token_invalid"] * 4
    assert begin(completing).json()["code"] == "token_invalid"
    assert ApiClient().bearing(stopping).post("/mfa/recovery/cancel").json()["code"] == "token_invalid"
    assert FactorRecovery.objects.get().cancelled_at is None
