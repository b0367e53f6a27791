"""The rules of the cleanup: which rows of which table are expired. Apps register theirs in `AppConfig.ready`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session as AdminSession
from django.db.models import Min, Q, QuerySet

from accounts.models import (
    AttemptCounter,
    AuditEvent,
    EmailChange,
    EmailState,
    OutboxEmail,
    PendingLogin,
    Purpose,
    User,
    VerificationCode,
)
from accounts.services import unverified_accounts
from core.registry import Registry
from sessions_tracking.models import Session

SESSION_DATA = "data of expired sessions"

_MIN_COUNTER_LIFETIME = timedelta(days=1)
_FAILED_EMAIL_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupRule:
    """`expired` returns the rows that were expired at a time, or None if the settings switch the rule off.

    The cleanup deletes the rows or, with `cleared`, keeps them and sets these columns. It deletes the rows of one model
    by statements without cascades, except for users: nothing may refer to the rows.
    """

    name: str
    expired: Callable[[datetime], QuerySet[Any] | None]
    cleared: Mapping[str, Any] | None = None


RULES: Registry[CleanupRule] = Registry("cleanup rule")


def _sessions(now: datetime) -> QuerySet[Session]:
    since = now - settings.HISTORY_RETENTION
    return Session.objects.filter(Q(revoked_at__lte=since) | Q(expires_at__lte=since))


def _sessions_with_data(now: datetime) -> QuerySet[Session]:
    """Expired sessions stay for support without their data; a revocation clears the data itself."""
    return Session.objects.filter(expires_at__lte=now).exclude(data={})


def _verification_codes(now: datetime) -> QuerySet[VerificationCode]:
    # A used verification link stays until it expires: it still responds that the email is verified.
    used = Q(used_at__isnull=False, purpose=Purpose.RESET_PASSWORD)
    return VerificationCode.objects.filter(Q(invalidated_at__isnull=False) | Q(token_expires_at__lte=now) | used)


def _emails(now: datetime) -> QuerySet[OutboxEmail]:
    """Keep an email that was sent after one that is still queued: it shows that the queued one is superseded."""
    queued = OutboxEmail.objects.filter(state__in=[EmailState.QUEUED, EmailState.SENDING])
    oldest = queued.aggregate(oldest=Min("created_at"))["oldest"] or now
    sent = Q(state=EmailState.SENT, created_at__lt=min(oldest, now - settings.HISTORY_RETENTION))
    cancelled = Q(state=EmailState.CANCELLED, created_at__lt=oldest)
    failed_since = now - max(_FAILED_EMAIL_LIFETIME, settings.HISTORY_RETENTION)
    return OutboxEmail.objects.filter(sent | cancelled | Q(state=EmailState.FAILED, created_at__lt=failed_since))


def _counter_lifetime() -> timedelta:
    """Return a time after which no code or window of a counter is valid any more."""
    limit = settings.RATE_LIMIT_CODES
    windows = (
        settings.VERIFICATION_CODE_LIFETIME,
        settings.RESEND_PAUSE,
        settings.PENDING_LOGIN_LIFETIME,
        settings.MFA_WRONG_CODES_WINDOW,
        timedelta(seconds=limit.seconds if limit else 0),
    )
    return max(_MIN_COUNTER_LIFETIME, *windows)


def _unverified_accounts(now: datetime) -> QuerySet[User] | None:
    """Keep all accounts if the deployment never asks for verification."""
    return None if settings.EMAIL_VERIFICATION == "none" else unverified_accounts.expired(now)


RULES.register(
    CleanupRule(name="sessions", expired=_sessions),
    CleanupRule(name=SESSION_DATA, expired=_sessions_with_data, cleared={"data": {}}),
    CleanupRule(name="verification codes", expired=_verification_codes),
    CleanupRule(name="emails", expired=_emails),
    CleanupRule(name="admin sessions", expired=lambda now: AdminSession.objects.filter(expire_date__lte=now)),
    CleanupRule(name="pending logins", expired=lambda now: PendingLogin.objects.filter(expires_at__lte=now)),
    CleanupRule(
        name="attempt counters",
        expired=lambda now: AttemptCounter.objects.filter(window_started_at__lt=now - _counter_lifetime()),
    ),
    CleanupRule(name="email changes", expired=lambda now: EmailChange.objects.filter(undo_expires_at__lte=now)),
    CleanupRule(
        name="audit events",
        expired=lambda now: AuditEvent.objects.filter(created_at__lt=now - settings.AUDIT_RETENTION),
    ),
    CleanupRule(name="unverified accounts", expired=_unverified_accounts),
)
