"""Security notices: at most one of a kind per minute and recipient, and the last one is always sent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from pytest_django import Settings

from accounts.mail import delivery, notice_pacing, outbox
from accounts.mail.delivery import deliver_due
from accounts.mail.kinds import EMAIL_KINDS
from accounts.mfa import emails as mfa_emails
from accounts.models import EmailChange, EmailState, OutboxEmail, User
from accounts.passkeys import emails as passkey_emails
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from sessions_tracking.client_info import ClientInfo

CLIENT = ClientInfo(
    ip="192.0.2.7", user_agent="", device="Desktop", browser="Firefox", os="Linux", platform="Linux", location="Unknown"
)
Enqueue = Callable[[User, EmailChange], None]
ENQUEUE: dict[str, Enqueue] = {
    "password_changed": lambda user, _change: outbox.password_changed(user, CLIENT),
    "new_device": lambda user, _change: outbox.new_device(user, CLIENT),
    "refresh_token_reused": lambda user, _change: outbox.refresh_token_reused(user, CLIENT),
    "address_already_registered": lambda user, _change: outbox.address_already_registered(user),
    "address_already_used": lambda user, _change: outbox.address_already_used(user),
    "email_change_requested": lambda user, change: outbox.email_change_requested(user, change, CLIENT),
    "email_changed": lambda user, change: outbox.email_changed(user, change, CLIENT),
    "email_changed_by_admin": lambda user, _change: outbox.email_changed_by_admin(user, old_email=user.email),
    "invitation": lambda user, _change: outbox.invitation(user),
    "mfa_enabled": lambda user, _change: mfa_emails.app_added(user, CLIENT, is_first=True),
    "mfa_disabled": lambda user, _change: mfa_emails.app_removed(user, CLIENT, is_last=True),
    "recovery_stopped": lambda user, _change: mfa_emails.recovery_stopped(user, CLIENT),
    "recovery_completed": lambda user, _change: mfa_emails.recovery_completed(user, CLIENT),
    "passkey_added": lambda user, _change: passkey_emails.passkey_added(user, CLIENT, name="Phone"),
    "passkey_removed": lambda user, _change: passkey_emails.passkey_removed(user, CLIENT, name="Phone"),
    "passkey_counter_decreased": lambda user, _change: passkey_emails.passkey_counter_decreased(
        user, CLIENT, name="Phone"
    ),
    "recovery_code_used": lambda user, _change: mfa_emails.recovery_code_used(user, CLIENT, left=3, is_step_up=False),
}


@pytest.fixture
def change(bob: User) -> EmailChange:
    """Return an email change of bob, who has no password, like an invited user."""
    bob.set_unusable_password()
    bob.save()
    now = datetime.now(UTC)
    return EmailChange.objects.create(
        user=bob, old_email=bob.email, old_email_key=bob.email_key, new_email="bob@example.org",
        new_email_key="bob@example.org", requested_at=now, undo_expires_at=now + timedelta(days=1),
    )  # fmt: skip


def test_these_tests_cover_every_kind_of_notice() -> None:
    assert ENQUEUE.keys() == {kind.name for kind in EMAIL_KINDS if kind.is_notice}


@pytest.mark.parametrize("kind", ENQUEUE)
def test_of_a_burst_the_first_notice_is_sent_at_once_and_the_last_after_a_minute(
    bob: User, change: EmailChange, clock: time_machine.Traveller, kind: str
) -> None:
    ids = []
    for _ in range(27):
        ENQUEUE[kind](bob, change)
        ids.append(OutboxEmail.objects.latest("id").id)
        deliver_due()
        clock.shift(0.75)
    assert len(mail.outbox) == 1
    assert OutboxEmail.objects.get(id=ids[0]).state == EmailState.SENT

    clock.shift(60)
    deliver_due()

    assert len(mail.outbox) == 2
    assert OutboxEmail.objects.get(id=ids[-1]).state == EmailState.SENT
    assert not OutboxEmail.objects.filter(state=EmailState.QUEUED).exists()
    clock.shift(600)
    assert (deliver_due(), len(mail.outbox)) == (0, 2)


def test_a_password_changed_back_and_forth_sends_two_notices(
    alice: User, sign_in: Callable[..., SignedIn], clock: time_machine.Traveller
) -> None:
    client, passwords = sign_in(alice).client, [PASSWORD, "Another-Horse-8"]
    for number in range(10):
        body = {"currentPassword": passwords[number % 2], "newPassword": passwords[(number + 1) % 2]}
        assert client.post("/change-password", body).status_code == 200
        deliver_due()
        clock.shift(2)
    last = OutboxEmail.objects.latest("id").context["happened_at"]
    clock.shift(60)
    deliver_due()

    assert len(mail.outbox) == 2
    assert last.startswith((datetime.now(UTC) - timedelta(seconds=62)).strftime("%Y-%m-%dT%H:%M:%S"))


def test_of_notices_queued_without_a_worker_only_the_last_is_sent(alice: User) -> None:
    for _ in range(5):
        outbox.password_changed(alice, CLIENT)

    deliver_due()

    assert len(mail.outbox) == 1
    assert OutboxEmail.objects.latest("id").state == EmailState.SENT
    assert OutboxEmail.objects.filter(state=EmailState.CANCELLED, context={}).count() == 4


def test_notices_of_other_kinds_and_recipients_are_not_delayed(alice: User, mallory: User) -> None:
    mfa_emails.app_added(alice, CLIENT, is_first=True)
    mfa_emails.app_removed(alice, CLIENT, is_last=True)
    mfa_emails.app_added(mallory, CLIENT, is_first=True)

    deliver_due()

    assert len(mail.outbox) == 3


def test_a_notice_waits_while_another_worker_sends_one_of_its_kind(alice: User, clock: time_machine.Traveller) -> None:
    outbox.password_changed(alice, CLIENT)
    sending = delivery._claim()
    assert sending is not None
    outbox.password_changed(alice, CLIENT)
    deliver_due()
    assert mail.outbox == []

    delivery._deliver(sending)
    assert OutboxEmail.objects.get(id=sending.id).state == EmailState.CANCELLED
    clock.shift(2)
    deliver_due()

    assert len(mail.outbox) == 1
    assert OutboxEmail.objects.latest("id").attempts == 1


def test_registering_and_deleting_accounts_repeatedly_sends_nothing_to_an_unverified_email(
    db: None, settings: Settings
) -> None:
    settings.EMAIL_VERIFICATION = "none"
    for _ in range(3):
        client = ApiClient()
        client.post("/register", {"email": "victim@example.com", "username": "mallory", "password": PASSWORD})
        token = client.post("/login", {"username": "mallory", "password": PASSWORD}).json()["data"]["token"]
        assert client.bearing(token).delete("/me", {"password": PASSWORD}).status_code == 200

    deliver_due()

    assert mail.outbox == []


def test_requested_codes_and_links_are_not_delayed(alice: User, bob: User) -> None:
    outbox.password_changed(alice, CLIENT)
    deliver_due()
    ApiClient().post("/forgot-password", {"email": alice.email})
    ApiClient().post("/resend-verification", {"email": bob.email})

    deliver_due()

    assert len(mail.outbox) == 3


def test_an_earlier_notice_is_not_sent_after_a_later_one(bob: User, clock: time_machine.Traveller) -> None:
    mfa_emails.app_added(bob, CLIENT, is_first=True)
    earlier = OutboxEmail.objects.latest("id")
    mfa_emails.app_added(bob, CLIENT, is_first=True)
    OutboxEmail.objects.filter(id__gt=earlier.id).update(state=EmailState.SENT, sent_at=datetime.now(UTC))

    with pytest.raises(notice_pacing.Superseded):
        notice_pacing.due_at(earlier)
