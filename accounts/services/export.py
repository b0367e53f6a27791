"""Everything that is held about somebody, for them to take along."""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import AuditEvent, AuditKind, EmailChange, EmailKind, OutboxEmail, RecoveryCode, TotpFactor, User
from accounts.services import profile
from config.rate_limits import limiter
from sessions_tracking.models import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`factor` is the second factor, unless none was begun. The newest of each list comes first."""

    user: User
    factor: TotpFactor | None
    recovery_codes_left: int
    sessions: list[Session]
    emails: list[OutboxEmail]
    email_changes: list[EmailChange]
    events: list[AuditEvent]


def everything_held(*, user_id: uuid.UUID) -> Held:
    """What is on record, ended sessions and settled changes too. That it was asked for goes on record itself.

    Raises RateLimited.
    """
    limiter.take(settings.RATE_LIMIT_EXPORT, str(user_id))
    with transaction.atomic():
        user = profile.get(user_id=user_id)
        audit.record(AuditKind.DATA_EXPORTED, user_id=user_id, actor_id=user_id)
    return Held(
        user=user,
        factor=TotpFactor.objects.filter(user=user).first(),
        recovery_codes_left=RecoveryCode.objects.filter(user=user, used_at=None).count(),
        sessions=list(user.sessions.order_by("-created_at")),
        # Whether a code was mailed to another address would tell whether somebody else has it.
        emails=list(user.emails.exclude(kind=EmailKind.EMAIL_CHANGE_CODE).order_by("-created_at")),
        email_changes=list(user.email_changes.order_by("-requested_at")),
        events=list(AuditEvent.objects.filter(user_id=user_id).order_by("-created_at", "-id")),
    )
