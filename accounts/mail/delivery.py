"""Drains the outbox: claim a row, send it, mark it. Safe beside any number of other workers and sweeps."""

import logging
import time
import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.mail import get_connection
from django.db import InterfaceError, OperationalError, close_old_connections
from django.db.models import F

from accounts.mail import notice_pacing
from accounts.mail.compose import NoRecipient, compose
from accounts.mail.failures import describe, is_configuration, is_permanent, retry_after
from accounts.mail.outbox_queue import CANCELLED
from accounts.metrics import EMAILS
from accounts.models import EmailKind, EmailState, OutboxEmail
from core.observability.logs import log_context

logger = logging.getLogger(__name__)

# A mail server may be away for a weekend, and so may whoever could mend a wrong password for it.
KEEP_TRYING = timedelta(days=3)
# What is older than that when its first try comes (the worker was away, somebody sent it again) still gets these: five hours.
LEAST_TRIES = 12
_LONGEST_PAUSE = timedelta(hours=2)
_MOST_DOUBLINGS = 16  # far beyond the longest pause, and short of what a timedelta can hold
_MARK_SECONDS = 30.0
_MARK_PAUSE_SECONDS = 0.5


def deliver_waiting(*, seconds: float = 5) -> int:
    """Sends what is due, oldest first, and says how many rows it took on. A row that fails does not hold up the next.

    After `seconds` it takes on no more and leaves the rest to the next sweep: a worker that is asked to stop waits for
    one short task, and no slow mail server can stretch a task up to its time limit, which would kill it while it sends.
    """
    deadline = time.monotonic() + seconds
    taken = 0
    while time.monotonic() < deadline:
        email = _claim()
        if email is None:
            break
        with log_context(email_id=str(email.id), request_id=str(email.context.get("request_id", ""))):
            _deliver(email)
        taken += 1
    return taken


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
        if _is_held(email):
            return
        _send(email)
    except NoRecipient:
        OutboxEmail.objects.filter(id=email.id).delete()
        _tell("dropped", email)
    except Exception as error:  # noqa: BLE001 - one bad row, template or server must never stop the queue
        _put_off(email, error)
    else:
        _mark_sent(email)
        _tell("sent", email)


def _is_held(email: OutboxEmail) -> bool:
    """Put a notice off that would be the second of its kind within a minute; the last of those that wait stands for all."""
    try:
        due_at = notice_pacing.due_at(email)
    except notice_pacing.Superseded:
        _settle(email.id, **CANCELLED)
        return True
    if due_at is not None:
        _settle(email.id, state=EmailState.QUEUED, due_at=due_at, tries=F("tries") - 1)
    return due_at is not None


def _tell(result: str, email: OutboxEmail) -> None:
    EMAILS.labels(result).inc()
    logger.info("email %s (%s) %s", email.id, email.kind, result)


def _send(email: OutboxEmail) -> None:
    """Closes the connection where it cannot be made as it was asked for, too: none in clear is left for anybody."""
    message = compose(email)
    with get_connection() as server:
        server.send_messages([message])


def _mark_sent(email: OutboxEmail) -> None:
    """Insists, well within the lease, while the database is away: without this mark another worker sends a second copy.

    The content is deleted with it: kind, recipient, state and times stay for support; of a deleted account not the recipient.
    """
    deadline = time.monotonic() + _MARK_SECONDS
    changes = {"state": EmailState.SENT, "sent_at": datetime.now(UTC), "error": "", "context": {}}
    if email.kind == EmailKind.ACCOUNT_DELETED:
        changes["address"] = ""
    while True:
        try:
            _settle(email.id, **changes)
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            close_old_connections()
            time.sleep(_MARK_PAUSE_SECONDS)
        else:
            return


def _settle(email_id: uuid.UUID, **changes: object) -> None:
    OutboxEmail.objects.filter(id=email_id, state=EmailState.SENDING).update(**changes)


def _put_off(email: OutboxEmail, error: Exception) -> None:
    reason = describe(error)
    if is_permanent(error) or _is_given_up(email):
        EMAILS.labels("failed").inc()
        logger.error("email %s (%s) failed for good: %s", email.id, email.kind, reason)
        _settle(email.id, state=EmailState.FAILED, error=reason)
        return
    EMAILS.labels("retried").inc()
    if is_configuration(error):
        logger.error("email %s (%s) put off: the mail server or provider refuses this deployment; check EMAIL_URL, its key "
                     "and DEFAULT_FROM_EMAIL: %s", email.id, email.kind, reason)  # fmt: skip
    else:
        logger.warning("email %s (%s) put off after try %d: %s", email.id, email.kind, email.tries, reason)
    pause = max(_pause(email.tries), retry_after(error) or timedelta())
    _settle(email.id, state=EmailState.QUEUED, due_at=datetime.now(UTC) + pause, error=reason)


def _is_given_up(email: OutboxEmail) -> bool:
    return email.tries >= LEAST_TRIES and datetime.now(UTC) - email.created_at >= KEEP_TRYING


def _pause(tries: int) -> timedelta:
    pause: timedelta = settings.EMAIL_FIRST_PAUSE * 2 ** min(tries - 1, _MOST_DOUBLINGS)
    return min(pause, _LONGEST_PAUSE)
