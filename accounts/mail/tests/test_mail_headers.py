"""Headers mark each kind of email as automatic, so that no out-of-office reply is sent (RFC 3834 §5)."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.mail.compose import compose
from accounts.mail.kinds import EMAIL_KINDS, EmailKind
from accounts.mfa import emails as mfa_emails
from accounts.mfa import recovery_links
from accounts.mfa.models import FactorRecovery
from accounts.models import EmailChange, OutboxEmail, Purpose, User


def _open_recovery(user: User, now: datetime) -> FactorRecovery:
    later = now + timedelta(hours=1)
    binding = recovery_links.binding(user)
    return FactorRecovery.objects.create(
        user=user, binding=binding, started_at=now, available_at=later, expires_at=later
    )


@pytest.mark.parametrize("kind", EMAIL_KINDS.all(), ids=str)
def test_every_kind_of_email_suppresses_automatic_replies(bob: User, kind: EmailKind) -> None:
    now = datetime.now(UTC)
    bob.set_unusable_password()  # like an invited user
    bob.save()
    change = EmailChange.objects.create(
        user=bob, old_email=bob.email, old_email_key=bob.email_key, new_email="bob@example.org",
        new_email_key="bob@example.org", requested_at=now, undo_expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    context = {"happened_at": now.isoformat(), "new_email": change.new_email, "codes_left": 3, "session_id": "x"}
    if kind.purpose in (Purpose.CHANGE_EMAIL, Purpose.UNDO_EMAIL_CHANGE):
        context["change_id"] = str(change.id)
    if kind is mfa_emails.RECOVERY_BEGUN:
        context["recovery_id"] = str(_open_recovery(bob, now).id)
    email = OutboxEmail.objects.create(
        kind=kind.name,
        user=bob,
        recipient="bob@example.com",
        language="en",
        context=context,
        due_at=now,
        created_at=now,
    )

    headers = compose(email).message()

    assert (headers["Auto-Submitted"], headers["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert headers["Message-ID"].startswith(f"<{email.id}@")
