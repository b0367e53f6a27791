"""Restores the former email of an account, and signs out the person who changed it."""

from datetime import UTC, datetime

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.exceptions import PreviousEmailTaken, UndoTokenInvalid
from accounts.mail import outbox
from accounts.models import AuditKind, EmailChange, Purpose, Role, User
from accounts.services import email_change, pending_logins
from accounts.verification import verification_codes
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason


def undo(*, token: str) -> None:
    """Restore the former email, revoke every session, and email a link to set a new password. Works once.

    The person who changed the email knew the password: hence the link. The password itself stays, since the wrong person may
    have pressed the button. All later changes become invalid, with their links to undo them: if an attacker changed the email
    twice, the first owner wins. A pending change can be stopped in the same way.

    Raises UndoTokenInvalid, and PreviousEmailTaken, which leaves the link as it is.
    """
    change = verification_codes.find_change_by_undo_token(token)
    if change is None:
        raise UndoTokenInvalid
    try:
        with transaction.atomic():
            _undo(change)
    except IntegrityError as error:
        raise PreviousEmailTaken from error


def _undo(change: EmailChange) -> None:
    """Lock the user's row first, like every function that locks both rows."""
    user = User.objects.select_for_update().filter(id=change.user_id, is_active=True).first()
    now = datetime.now(UTC)
    if user is None or not EmailChange.objects.undoable(now).filter(id=change.id).update(undone_at=now):
        raise UndoTokenInvalid
    later = EmailChange.objects.open().filter(user=user, requested_at__gte=change.requested_at)
    later.update(closed_at=now)
    if user.email_key != change.old_email_key:
        _displace_squatters(change.old_email_key or "")
    if user.email != change.old_email:
        email_change.move(user, email=change.old_email or "", key=change.old_email_key or "")
    verification_codes.invalidate(user_id=user.id, purposes=list(Purpose))
    pending_logins.cancel_all(user_id=user.id)
    User.objects.end_admin_sessions(user_id=user.id)
    ended = sessions.revoke_all(user_id=user.id, reason=RevokedReason.EMAIL_CHANGE_UNDONE)
    outbox.password_reset(email=user.email or "", language=user.language, after_undo=True)
    audit.record(AuditKind.EMAIL_CHANGE_UNDONE, user_id=user.id, actor_id=user.id, facts={"sessionsEnded": ended})


def _displace_squatters(key: str) -> None:
    """Take the freed email from accounts that registered it and never verified it.

    An account that was never used is deleted, as it would be after UNVERIFIED_ACCOUNT_LIFETIME; others lose the email.
    """
    squatters = User.objects.filter(email_key=key, email_verified_at=None, role=Role.USER, is_staff=False)
    for squatter in squatters.select_for_update():
        if squatter.last_login is None:
            audit.record(AuditKind.ACCOUNT_DELETED, user_id=squatter.id, facts={"reason": "address_proven_by_another"})
            squatter.delete()
            continue
        audit.record(AuditKind.EMAIL_CHANGED, user_id=squatter.id, facts={"reason": "address_proven_by_another"})
        verification_codes.invalidate(user_id=squatter.id, purposes=list(Purpose))
        User.objects.filter(id=squatter.id).update(email=None, email_key=None, updated_at=datetime.now(UTC))
