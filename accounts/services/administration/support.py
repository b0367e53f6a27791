"""Support for one user: end sessions, verify the email, send an invitation, a code or a reset link again."""

import uuid
from collections.abc import Iterable

from django.db import transaction

from accounts import audit
from accounts.exceptions import EmailAlreadyVerified, InvitationNotNeeded, NoEmailRecipient
from accounts.mail import outbox
from accounts.models import AuditKind, EmailState, OutboxEmail, User
from accounts.services import email_verification, passwords
from accounts.services.administration import policy, users
from core.api.exceptions import NotFound
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session


def end_session(*, actor_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """Revoke a session. A repeated call writes to Redis again, and no second audit event.

    Raises as `policy.lock_for_change`.
    """
    session = Session.objects.filter(id=session_id).first()
    if session is None:
        raise NotFound
    with transaction.atomic():
        policy.lock_for_change(actor_id=actor_id, user_id=session.user_id)
        if sessions.revoke(session_id=session_id, reason=RevokedReason.ADMIN):
            audit.record(AuditKind.SESSION_REVOKED, user_id=session.user_id, actor_id=actor_id, session_id=session_id)


def revoke_sessions(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> int:
    """Revoke all sessions of the user and return their number. Raises as `policy.lock_for_change`."""
    with transaction.atomic():
        policy.lock_for_change(actor_id=actor_id, user_id=user_id)
        User.objects.end_admin_sessions(user_id=user_id)
        revoked = sessions.revoke_all(user_id=user_id, reason=RevokedReason.ADMIN)
        audit.record(AuditKind.SESSIONS_REVOKED, user_id=user_id, actor_id=actor_id, facts={"sessionsEnded": revoked})
    return revoked


def mark_email_verified(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Verify the email without a code. Raises as `users.update`; NoEmailRecipient, EmailAlreadyVerified."""
    user = users.get(user_id=user_id)
    if not user.email:
        raise NoEmailRecipient
    if user.email_verified:
        raise EmailAlreadyVerified
    users.update(actor_id=actor_id, user_id=user_id, changes={"email_verified": True})


def invite(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Send another invitation, which invalidates the previous link.

    Raises as `policy.lock_for_change`; InvitationNotNeeded.
    """
    with transaction.atomic():
        user = policy.lock_for_change(actor_id=actor_id, user_id=user_id)
        if user.has_usable_password() or not user.is_active or not user.email:
            raise InvitationNotNeeded
        outbox.invitation(user)
        audit.record(AuditKind.USER_INVITED, user_id=user_id, actor_id=actor_id)


def resend_onboarding_email(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Send the invitation to a user without a password, and the verification email to one with a password.

    Raises as `policy.lock_for_change`; NoEmailRecipient, EmailAlreadyVerified; RateLimited during the resend cooldown.
    """
    if not users.get(user_id=user_id).has_usable_password():
        invite(actor_id=actor_id, user_id=user_id)
        return
    with transaction.atomic():
        user = _lock_recipient(actor_id, user_id)
        if user.email_verified:
            raise EmailAlreadyVerified
        email_verification.resend(email=str(user.email))
        audit.record(AuditKind.VERIFICATION_SENT, user_id=user_id, actor_id=actor_id)


def send_password_reset(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Send the email of "forgot password". Raises as `policy.lock_for_change`; NoEmailRecipient, RateLimited."""
    with transaction.atomic():
        user = _lock_recipient(actor_id, user_id)
        passwords.request_reset(email=str(user.email), language=user.language)
        audit.record(AuditKind.RESET_SENT, user_id=user_id, actor_id=actor_id)


def _lock_recipient(actor_id: uuid.UUID, user_id: uuid.UUID) -> User:
    user = policy.lock_for_change(actor_id=actor_id, user_id=user_id)
    if not user.is_active or not user.email:
        raise NoEmailRecipient
    return user


def resend_failed_emails(*, actor_id: uuid.UUID, email_ids: Iterable[uuid.UUID]) -> int:
    """Queue failed emails again, with an audit event for each, and return their number."""
    with transaction.atomic():
        failed = OutboxEmail.objects.select_for_update().filter(id__in=list(email_ids), state=EmailState.FAILED)
        emails = list(failed.order_by("id"))
        count = outbox.send_again(email_ids=[email.id for email in emails])
        for email in emails:
            facts = {"email": str(email.kind)}
            audit.record(AuditKind.EMAIL_SENT_AGAIN, user_id=email.user_id, actor_id=actor_id, facts=facts)
    return count
