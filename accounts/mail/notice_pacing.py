"""Limits security notices to one of a kind a minute for each recipient: nobody floods an inbox by switching back and forth.

The first is sent at once. Those after it wait for the minute to pass, and only the last of them is sent.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Max

from accounts.models import EmailKind, EmailState, OutboxEmail

# Codes and links that a user requests have limits of their own; a welcome and a deletion happen once.
NOTICES = frozenset(EmailKind) - {
    EmailKind.VERIFY_EMAIL,
    EmailKind.RESET_PASSWORD,
    EmailKind.EMAIL_CHANGE_CODE,
    EmailKind.WELCOME,
    EmailKind.ACCOUNT_DELETED,
}
# Until another worker, which is sending a notice of this kind at this moment, is done.
_RECHECK = timedelta(seconds=2)


class Superseded(Exception):
    """A later notice of the kind is waiting, or was sent."""


def due_at(email: OutboxEmail) -> datetime | None:
    """Return when the notice may be sent, or None for at once. Raises Superseded.

    In the order of ids, which grow with time: of two that two workers hold at once, the earlier is superseded.
    """
    if email.kind not in NOTICES or not settings.NOTICE_PAUSE:
        return None
    others = OutboxEmail.objects.filter(user=email.user_id, kind=email.kind, address=email.address).exclude(id=email.id)
    # One that was sent counts too: notices that are due at the same time come in any order.
    if others.filter(id__gt=email.id, state__in=[EmailState.QUEUED, EmailState.SENDING, EmailState.SENT]).exists():
        raise Superseded
    now = datetime.now(UTC)
    if others.filter(state=EmailState.SENDING).exists():
        return now + _RECHECK
    sent_at = others.filter(state=EmailState.SENT).aggregate(at=Max("sent_at"))["at"]
    return sent_at + settings.NOTICE_PAUSE if sent_at and sent_at + settings.NOTICE_PAUSE > now else None
