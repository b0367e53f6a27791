"""What support does for somebody from the admin, and only there: proof sent again, a way back in, one session ended."""

import uuid
from collections.abc import Iterable

from django.db import transaction

from accounts import audit
from accounts.exceptions import EmailAlreadyVerified, NobodyToWriteTo
from accounts.mail import outbox
from accounts.models import AuditKind, EmailState, OutboxEmail, User
from accounts.services import email_verification, passwords
from accounts.services.administration import policy, users
from core.api.exceptions import NotFound
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session


def end_session(*, actor_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """Said again, Redis is told again, and the audit is not. Raises as `policy.lock_for_change`."""
    session = Session.objects.filter(id=session_id).first()
    if session is None:
        raise NotFound
    with transaction.atomic():
        policy.lock_for_change(actor_id=actor_id, user_id=session.user_id)
        if sessions.revoke(session_id=session_id, reason=RevokedReason.ADMIN):
            audit.record(AuditKind.SESSION_REVOKED, user_id=session.user_id, actor_id=actor_id, session_id=session_id)


def verify(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Takes the address for proven, on the administrator's word. Raises as `administration.update`; EmailAlreadyVerified."""
    user = users.get(user_id=user_id)
    if not user.email:
        raise NobodyToWriteTo
    if user.email_verified:
        raise EmailAlreadyVerified
    users.update(actor_id=actor_id, user_id=user_id, changes={"email_verified": True})


def send_proof_again(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """The invitation to whoever has no password yet, the code to whoever has not verified.

    Raises as `policy.lock_for_change`; NobodyToWriteTo, EmailAlreadyVerified; RateLimited within the pause between two codes.
    """
    if not users.get(user_id=user_id).has_usable_password():
        users.invite(actor_id=actor_id, user_id=user_id)
        return
    with transaction.atomic():
        user = _reader(actor_id, user_id)
        if user.email_verified:
            raise EmailAlreadyVerified
        email_verification.resend(email=str(user.email))
        audit.record(AuditKind.VERIFICATION_SENT, user_id=user_id, actor_id=actor_id)


def send_reset(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """The email that "forgotten password" sends. Raises as `policy.lock_for_change`; NobodyToWriteTo, RateLimited."""
    with transaction.atomic():
        user = _reader(actor_id, user_id)
        passwords.request_reset(email=str(user.email), language=user.language)
        audit.record(AuditKind.RESET_SENT, user_id=user_id, actor_id=actor_id)


def _reader(actor_id: uuid.UUID, user_id: uuid.UUID) -> User:
    user = policy.lock_for_change(actor_id=actor_id, user_id=user_id)
    if not user.is_active or not user.email:
        raise NobodyToWriteTo
    return user


def send_emails_again(*, actor_id: uuid.UUID, email_ids: Iterable[uuid.UUID]) -> int:
    """As `outbox.send_again`, with a row of the audit for each."""
    with transaction.atomic():
        failed = OutboxEmail.objects.select_for_update().filter(id__in=list(email_ids), state=EmailState.FAILED)
        emails = list(failed.order_by("id"))
        count = outbox.send_again(email_ids=[email.id for email in emails])
        for email in emails:
            facts = {"email": str(email.kind)}
            audit.record(AuditKind.EMAIL_SENT_AGAIN, user_id=email.user_id, actor_id=actor_id, facts=facts)
    return count
