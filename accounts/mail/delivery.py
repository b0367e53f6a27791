"""Drains the outbox: claim a row, send it, mark it. Safe beside any number of other workers and sweeps."""

import logging
import smtplib
import uuid
from datetime import UTC, datetime, timedelta

from anymail.exceptions import AnymailRecipientsRefused
from django.conf import settings
from django.db.models import F

from accounts.mail.compose import NoRecipient, compose
from accounts.models import EmailState, OutboxEmail

logger = logging.getLogger(__name__)

MOST_TRIES = 12
_LONGEST_PAUSE = timedelta(hours=2)
_PERMANENT = range(500, 600)


def deliver_waiting(*, most: int = 500) -> int:
    """Sends what is due, oldest first, and says how many rows it took on. A row that fails does not hold up the next."""
    for taken in range(most):
        email = _claim()
        if email is None:
            return taken
        _deliver(email)
    return most


def _claim() -> OutboxEmail | None:
    """The next due row, now ours: the UPDATE names the due time it saw, so of any number of workers one gets it."""
    while True:
        now = datetime.now(UTC)
        waiting = OutboxEmail.objects.filter(state__in=[EmailState.QUEUED, EmailState.SENDING], due_at__lte=now)
        email = waiting.select_related("user").order_by("due_at").first()
        if email is None:
            return None
        claimed = OutboxEmail.objects.filter(id=email.id, state=email.state, due_at=email.due_at)
        if claimed.update(state=EmailState.SENDING, due_at=now + settings.EMAIL_LEASE, tries=F("tries") + 1):
            email.tries += 1
            return email


def _deliver(email: OutboxEmail) -> None:
    try:
        compose(email).send()
    except NoRecipient:
        OutboxEmail.objects.filter(id=email.id).delete()
    except Exception as error:  # noqa: BLE001 - one bad row, template or server must never stop the queue
        _put_off(email, error)
    else:
        _settle(email.id, state=EmailState.SENT, sent_at=datetime.now(UTC), error="")


def _settle(email_id: uuid.UUID, **changes: object) -> None:
    OutboxEmail.objects.filter(id=email_id, state=EmailState.SENDING).update(**changes)


def _put_off(email: OutboxEmail, error: Exception) -> None:
    reason = describe(error)
    if is_permanent(error) or email.tries >= MOST_TRIES:
        logger.error("email %s (%s) failed for good: %s", email.id, email.kind, reason)
        _settle(email.id, state=EmailState.FAILED, error=reason)
        return
    logger.warning("email %s (%s) put off after try %d: %s", email.id, email.kind, email.tries, reason)
    pause = min(settings.EMAIL_FIRST_PAUSE * 2 ** (email.tries - 1), _LONGEST_PAUSE)
    _settle(email.id, state=EmailState.QUEUED, due_at=datetime.now(UTC) + pause, error=reason)


def is_permanent(error: Exception) -> bool:
    """Whether another try is of no use: the server refused this recipient or this message with a 5xx (RFC 5321 §4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in _PERMANENT for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return error.smtp_code in _PERMANENT
    return isinstance(error, AnymailRecipientsRefused)


def describe(error: Exception) -> str:
    """The kind of fault and, from a mail server, its status: what the server says may quote the address or the code."""
    code = getattr(error, "smtp_code", None) or getattr(error, "status_code", None)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = ", ".join(str(status) for status, _ in error.recipients.values())
    return f"{type(error).__name__} {code or ''}".strip()
