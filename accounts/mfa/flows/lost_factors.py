"""Removal of all second factors for a user who has lost them: announced by email, and possible after a delay.

The user gives the first factor, opens a link of the email, and waits. An attacker who has only one of the two fails. One who
has both leaves the owner RECOVERY_DELAY to stop it, from the email or from any session. Administrators and staff never
recover this way: a superuser removes their factor. A password reset neither stops a recovery nor shortens it.

Each function locks the user's row first, like every function that locks both rows.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.mfa import emails, recovery_links
from accounts.mfa.exceptions import RecoveryNotReady, RecoveryTokenInvalid, RecoveryUnavailable
from accounts.mfa.models import FactorRecovery, MfaAuditKind
from accounts.models import AuditKind, LoginSurface, User
from accounts.services import account_claim, pending_logins, second_factors
from core.api.exceptions import NotFound, SessionRevoked
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Actor:
    """Who stops a recovery. The email names the device of the user, never that of an administrator."""

    user_id: uuid.UUID
    session_id: uuid.UUID | None = None
    client: ClientInfo | None = None


def begin(*, mfa_token: str, client: ClientInfo) -> datetime:
    """Start the delay and email the two links; return when the recovery is available. An open recovery stays as it is.

    Raises TokenInvalid, TokenExpired and RecoveryUnavailable.
    """
    with transaction.atomic():
        user = pending_logins.lock(token=mfa_token, surface=LoginSurface.API).user
        delay = _require_available(user)
        recovery = _find_open(user) or _start(user, client, delay)
    return recovery.available_at


def complete(*, token: str, client: ClientInfo) -> None:
    """Remove all second factors of the user and end all sessions. Works once.

    Raises RecoveryTokenInvalid, RecoveryNotReady; RecoveryUnavailable, also for users who became staff meanwhile.
    """
    now = datetime.now(UTC)
    with transaction.atomic():
        user, recovery = _lock(recovery_links.id_to_complete(token))
        _require_open(recovery)
        _require_available(user)
        if recovery.available_at > now:
            raise RecoveryNotReady(available_at=recovery.available_at)
        if not FactorRecovery.objects.open(now).filter(id=recovery.id).update(completed_at=now):
            raise RecoveryTokenInvalid
        second_factors.remove_all(user_id=user.id)
        ended = sessions.revoke_all(user_id=user.id, reason=RevokedReason.LOGOUT_ALL)
        audit.record(MfaAuditKind.RECOVERY_COMPLETED, user_id=user.id, actor_id=user.id)
        facts: audit.Facts = {"reason": "recovery", "sessionsEnded": ended}
        audit.record(AuditKind.LOGOUT_ALL, user_id=user.id, actor_id=user.id, facts=facts)
        emails.recovery_completed(user, client)


def stop_by_link(*, token: str, client: ClientInfo) -> None:
    """Stop the recovery. A second use of the link has no further effect. Raises RecoveryTokenInvalid."""
    with transaction.atomic():
        user, recovery = _lock(recovery_links.id_to_stop(token))
        if recovery.cancelled_at is None:
            _require_open(recovery)
            _stop(user, _Actor(user_id=user.id, client=client))


def stop_by_session(*, user_id: uuid.UUID, session_id: uuid.UUID, client: ClientInfo) -> None:
    """Stop the open recovery of a signed-in user. Raises NotFound if there is none, and SessionRevoked."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id, is_active=True).first()
        if user is None or not sessions.is_active(user_id=user_id, session_id=session_id):
            raise SessionRevoked
        if not _stop(user, _Actor(user_id=user_id, session_id=session_id, client=client)):
            raise NotFound


def stop_by_admin(*, user_id: uuid.UUID, actor_id: uuid.UUID) -> bool:
    """Stop the open recovery of a user; return False if there is none."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        return user is not None and _stop(user, _Actor(user_id=actor_id))


def is_open(user: User) -> bool:
    return FactorRecovery.objects.open(datetime.now(UTC)).filter(user=user).exists()


def close(*, user_id: uuid.UUID) -> None:
    """Close the open recovery: no second factor is left. Its link must not remove one that the user adds later."""
    FactorRecovery.objects.unfinished().filter(user_id=user_id).update(cancelled_at=datetime.now(UTC))


def forget(user: User) -> None:
    """Delete the recoveries of a claimed account, with the IP addresses in them."""
    FactorRecovery.objects.filter(user=user).delete()


def _require_available(user: User) -> timedelta:
    """Return the delay. Raises RecoveryUnavailable."""
    if settings.RECOVERY_DELAY is None or account_claim.is_privileged(user) or not user.email_verified:
        raise RecoveryUnavailable
    return settings.RECOVERY_DELAY


def _find_open(user: User) -> FactorRecovery | None:
    recovery = FactorRecovery.objects.open(datetime.now(UTC)).filter(user=user).first()
    return recovery if recovery and recovery_links.is_bound_to(recovery, user) else None


def _start(user: User, client: ClientInfo, delay: timedelta) -> FactorRecovery:
    """Replace one whose links expired, or went to a former email."""
    close(user_id=user.id)
    now = datetime.now(UTC)
    available_at = now + delay
    recovery = FactorRecovery.objects.create(
        user=user,
        binding=recovery_links.binding(user),
        ip=client.ip,
        device=client.label,
        started_at=now,
        available_at=available_at,
        expires_at=available_at + settings.RECOVERY_LINK_LIFETIME,
    )
    audit.record(MfaAuditKind.RECOVERY_BEGUN, user_id=user.id, actor_id=user.id)
    emails.recovery_begun(user, recovery, client)
    return recovery


def _lock(recovery_id: uuid.UUID | None) -> tuple[User, FactorRecovery]:
    """Return the locked user and the recovery, open or not. Raises RecoveryTokenInvalid, also for a deactivated user."""
    if recovery_id is None:
        raise RecoveryTokenInvalid
    users = User.objects.select_for_update(of=("self",)).filter(is_active=True)
    user = users.filter(factor_recoveries__id=recovery_id).first()
    recovery = FactorRecovery.objects.filter(id=recovery_id).first()
    if user is None or recovery is None or not recovery_links.is_bound_to(recovery, user):
        raise RecoveryTokenInvalid
    return user, recovery


def _require_open(recovery: FactorRecovery) -> None:
    if recovery.completed_at or recovery.cancelled_at or recovery.expires_at <= datetime.now(UTC):
        raise RecoveryTokenInvalid


def _stop(user: User, actor: _Actor) -> bool:
    now = datetime.now(UTC)
    if not FactorRecovery.objects.open(now).filter(user=user).update(cancelled_at=now):
        return False
    audit.record(MfaAuditKind.RECOVERY_STOPPED, user_id=user.id, actor_id=actor.user_id, session_id=actor.session_id)
    emails.recovery_stopped(user, actor.client)
    return True
