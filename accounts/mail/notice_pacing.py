"""Limits security notices to one of a kind per minute and recipient, so that toggling a setting cannot flood an inbox.

The first notice is sent at once. Those after it wait for the minute to pass, and only the last of them is sent.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Max

from accounts.mail import kinds
from accounts.models import EmailState, OutboxEmail

# Until another worker has sent the notice of this kind that it is sending now.
_RECHECK = timedelta(seconds=2)


class Superseded(Exception):
    """A later notice of the kind is queued, or was sent."""


def due_at(email: OutboxEmail) -> datetime | None:
    """Return when the notice may be sent, or None for at once. Raises Superseded.

    The order is that of ids, which grow with time: if two workers hold two notices at once, the earlier is superseded.
    """
    if not settings.NOTICE_PAUSE or not kinds.is_notice(email.kind):
        return None
    others = OutboxEmail.objects.filter(user=email.user_id, kind=email.kind, recipient=email.recipient)
    others = others.exclude(id=email.id)
    # A sent notice counts too: notices that are due at the same time come in any order.
    if others.filter(id__gt=email.id, state__in=[EmailState.QUEUED, EmailState.SENDING, EmailState.SENT]).exists():
        raise Superseded
    now = datetime.now(UTC)
    if others.filter(state=EmailState.SENDING).exists():
        return now + _RECHECK
    sent_at = others.filter(state=EmailState.SENT).aggregate(at=Max("sent_at"))["at"]
    return sent_at + settings.NOTICE_PAUSE if sent_at and sent_at + settings.NOTICE_PAUSE > now else None
