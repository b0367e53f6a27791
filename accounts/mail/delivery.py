"""Delivers the outbox: claim a row, send it, mark it as sent. Safe beside any number of other workers and sweeps."""

import logging
import time
import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.mail import get_connection
from django.db import InterfaceError, OperationalError, close_old_connections
from django.db.models import F

from accounts.mail import kinds, notice_pacing
from accounts.mail.compose import Unwanted, compose
from accounts.mail.failures import describe, is_configuration, is_permanent, retry_after
from accounts.mail.outbox_queue import CANCELLED
from accounts.metrics import EMAILS
from accounts.models import EmailState, OutboxEmail
from core.observability.logs import log_context

logger = logging.getLogger(__name__)

# A mail server may be unavailable for a weekend, and so may the operator who could correct its password.
RETRY_FOR = timedelta(days=3)
# An email older than RETRY_FOR at its first attempt (no worker ran, or it is sent again) still gets this many, within five hours.
MIN_ATTEMPTS = 12
_MAX_RETRY_DELAY = timedelta(hours=2)
_MAX_DOUBLINGS = 16  # far beyond the maximum delay, and within what a timedelta can hold
_MARK_SENT_FOR_SECONDS = 30.0
_MARK_SENT_INTERVAL_SECONDS = 0.5


def deliver_due(*, seconds: float = 5) -> int:
    """Send the emails that are due, oldest first, and return how many rows were claimed. A failure does not delay the next row.

    Claim no row after `seconds` and leave the rest to the next sweep: a worker that has to stop waits for one short task, and no
    slow mail server can stretch a task to its time limit, which would kill the worker while it sends.
    """
    deadline = time.monotonic() + seconds
    claimed = 0
    while time.monotonic() < deadline:
        email = _claim()
        if email is None:
            break
        with log_context(email_id=str(email.id), request_id=str(email.context.get("request_id", ""))):
            _deliver(email)
        claimed += 1
    return claimed


def _claim() -> OutboxEmail | None:
    """Claim the next due row. The UPDATE names the due time that was read, so of any number of workers one gets the row."""
    while True:
        now = datetime.now(UTC)
        due = OutboxEmail.objects.filter(state__in=[EmailState.QUEUED, EmailState.SENDING], due_at__lte=now)
        email = due.select_related("user").order_by("due_at").first()
        if email is None:
            return None
        unclaimed = OutboxEmail.objects.filter(id=email.id, state=email.state, due_at=email.due_at)
        if unclaimed.update(
            state=EmailState.SENDING, due_at=now + settings.EMAIL_CLAIM_TIMEOUT, attempts=F("attempts") + 1
        ):
            email.attempts += 1
            return email


def _deliver(email: OutboxEmail) -> None:
    try:
        if _is_held(email):
            return
        _send(email)
    except Unwanted:
        OutboxEmail.objects.filter(id=email.id).delete()
        _log_result("discarded", email)
    except Exception as error:  # noqa: BLE001 - one bad row, template or server must never stop the queue
        _reschedule(email, error)
    else:
        _mark_sent(email)
        _log_result("sent", email)


def _is_held(email: OutboxEmail) -> bool:
    """Delay a notice that would be the second of its kind within a minute. Only the last of the delayed notices is sent."""
    try:
        due_at = notice_pacing.due_at(email)
    except notice_pacing.Superseded:
        _release(email.id, **CANCELLED)
        return True
    if due_at is not None:
        _release(email.id, state=EmailState.QUEUED, due_at=due_at, attempts=F("attempts") - 1)
    return due_at is not None


def _log_result(result: str, email: OutboxEmail) -> None:
    EMAILS.labels(result).inc()
    logger.info("email %s (%s) %s", email.id, email.kind, result)


def _send(email: OutboxEmail) -> None:
    """Close the connection also when STARTTLS fails, so that no unencrypted connection is reused."""
    message = compose(email)
    with get_connection() as server:
        server.send_messages([message])


def _mark_sent(email: OutboxEmail) -> None:
    """Retry, well within the claim, while the database is unavailable: without this mark another worker sends a second copy.

    The content is deleted at the same time. Kind, recipient, state and times stay for support; of a deleted account, the
    recipient does not.
    """
    deadline = time.monotonic() + _MARK_SENT_FOR_SECONDS
    changes = {"state": EmailState.SENT, "sent_at": datetime.now(UTC), "error": "", "context": {}}
    if email.kind == kinds.ACCOUNT_DELETED.name:
        changes["recipient"] = ""
    while True:
        try:
            _release(email.id, **changes)
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            close_old_connections()
            time.sleep(_MARK_SENT_INTERVAL_SECONDS)
        else:
            return


def _release(email_id: uuid.UUID, **changes: object) -> None:
    OutboxEmail.objects.filter(id=email_id, state=EmailState.SENDING).update(**changes)


def _reschedule(email: OutboxEmail, error: Exception) -> None:
    """Schedule another attempt, or mark the email as failed."""
    reason = describe(error)
    if is_permanent(error) or _is_last_attempt(email):
        EMAILS.labels("failed").inc()
        logger.error("email %s (%s) failed permanently: %s", email.id, email.kind, reason)
        _release(email.id, state=EmailState.FAILED, error=reason)
        return
    EMAILS.labels("retried").inc()
    if is_configuration(error):
        logger.error("email %s (%s) will be retried: the mail server or provider rejects this deployment; check EMAIL_URL, its "
                     "key and DEFAULT_FROM_EMAIL: %s", email.id, email.kind, reason)  # fmt: skip
    else:
        logger.warning(
            "email %s (%s) will be retried after attempt %d: %s", email.id, email.kind, email.attempts, reason
        )
    delay = max(_retry_delay(email.attempts), retry_after(error) or timedelta())
    _release(email.id, state=EmailState.QUEUED, due_at=datetime.now(UTC) + delay, error=reason)


def _is_last_attempt(email: OutboxEmail) -> bool:
    return email.attempts >= MIN_ATTEMPTS and datetime.now(UTC) - email.created_at >= RETRY_FOR


def _retry_delay(attempts: int) -> timedelta:
    delay: timedelta = settings.EMAIL_RETRY_FIRST_DELAY * 2 ** min(attempts - 1, _MAX_DOUBLINGS)
    return min(delay, _MAX_RETRY_DELAY)
