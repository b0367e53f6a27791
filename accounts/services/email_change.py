"""Changes an account's email: requested with the password or a recent proof, confirmed with the code sent to the new email.

The confirmation needs no proof of its own: it completes a request that had one.
"""

import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.exceptions import CodeInvalid, EmailTaken
from accounts.identity import attempt_key, email_key
from accounts.mail import outbox
from accounts.models import AuditKind, EmailChange, Purpose, User
from accounts.services import email_verification, profile, recent_proof, registration_claims
from accounts.services.recent_proof import RecentProof
from accounts.verification import code_attempts, verification_codes
from core.api.exceptions import SessionRevoked, ValidationFailed
from core.throttling import limiter
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.principal import Principal


def request(*, principal: Principal, new_email: str, password: str | None, client: ClientInfo) -> None:
    """Queue a code to the new email and a notice to the current one, which the account keeps until the code is entered.

    A new spelling of the same email is verified too: some servers distinguish mailboxes by case. The new request replaces a
    pending one. An unverified current email receives no notice: it may belong to someone else. With PREVENT_ENUMERATION an
    email in use looks like any other, and its owner is notified by email.

    Raises as `recent_proof.confirm` (`password`); ValidationFailed and EmailTaken (`newEmail`); and SessionRevoked.
    """
    user = profile.get(user_id=principal.id)
    if new_email == user.email:
        raise ValidationFailed(errors={"newEmail": [_("This is already your email address.")]})
    proof = recent_proof.confirm(user=user, principal=principal, password=password, field="password")
    limiter.consume(settings.RATE_LIMIT_RESEND, f"change:{attempt_key(new_email)}")  # a stranger cannot flood an inbox
    limiter.consume(settings.RATE_LIMIT_RESEND, f"change-of:{user.id}")  # nor the current email with notices
    owner = User.objects.exclude(id=user.id).filter(email_key=email_key(new_email)).first()
    if owner is not None and not settings.PREVENT_ENUMERATION:
        raise EmailTaken(errors={"newEmail": [EmailTaken.message]})
    with transaction.atomic():
        change = _begin(user, proof, new_email)
        if owner is None:
            outbox.email_change_code(user, change)
        else:
            outbox.address_already_used(owner)
        if user.email_verified:
            outbox.email_change_requested(user, change, client)
        audit.record(AuditKind.EMAIL_CHANGE_REQUESTED, user_id=user.id, actor_id=user.id)


def _begin(user: User, proof: RecentProof, new_email: str) -> EmailChange:
    """Create the change under the user's lock, so that of two concurrent requests the later one is pending.

    Each `requested_at` is later than the one before, whatever the clocks of the nodes: undoing a change undoes those after it.
    """
    if recent_proof.lock_confirmed(proof, field="password").email_key != user.email_key:
        raise SessionRevoked
    now = datetime.now(UTC)
    latest = user.email_changes.aggregate(at=Max("requested_at"))["at"]
    EmailChange.objects.pending().filter(user=user).update(superseded_at=now)
    return EmailChange.objects.create(
        user=user,
        old_email=user.email,
        old_email_key=user.email_key,
        new_email=new_email,
        new_email_key=email_key(new_email),
        requested_at=max(now, latest + timedelta.resolution) if latest else now,
        undo_expires_at=now + settings.UNDO_EMAIL_CHANGE_LIFETIME,
    )


def confirm(*, user_id: uuid.UUID, session_id: uuid.UUID, code: str, client: ClientInfo) -> User:
    """Make the pending email the account's, which also verifies it. Of concurrent confirmations one succeeds.

    Charges the attempt before it compares the code. Raises CodeInvalid, TooManyAttempts from the sixth attempt on, and
    EmailTaken if another account has the email by now.
    """
    change = EmailChange.objects.pending().filter(user_id=user_id).order_by("-requested_at").first()
    if change is None:
        raise CodeInvalid
    code_attempts.count_code_attempt(Purpose.CHANGE_EMAIL, str(change.id))
    code_attempts.count_account_attempt(Purpose.CHANGE_EMAIL, str(user_id))
    if not verification_codes.is_change_code(change, code):
        raise CodeInvalid
    try:
        with transaction.atomic():
            return _confirm(change, session_id, client)
    except IntegrityError as error:
        raise EmailTaken from error


def _confirm(change: EmailChange, session_id: uuid.UUID, client: ClientInfo) -> User:
    """Lock the user's row first, like every function that locks both rows."""
    user = User.objects.select_for_update().filter(id=change.user_id, is_active=True).first()
    if user is None or user.email_key != change.old_email_key:
        raise CodeInvalid
    if not sessions.is_active(user_id=user.id, session_id=session_id):
        raise SessionRevoked
    now = datetime.now(UTC)
    confirmed = {"confirmed_at": now, "undo_expires_at": now + settings.UNDO_EMAIL_CHANGE_LIFETIME}
    if not EmailChange.objects.pending().filter(id=change.id).update(**confirmed):
        raise CodeInvalid
    if user.email_verified:
        outbox.email_changed(user, change, client)
    move(user, email=change.new_email, key=change.new_email_key)
    audit.record(AuditKind.EMAIL_CHANGED, user_id=user.id, actor_id=user.id)
    return user


def move(user: User, *, email: str, key: str) -> None:
    """Make a verified email the user's, within the caller's transaction. Codes and links sent to the former email stop working.

    Raises IntegrityError if another account has the email.
    """
    outbox.cancel_resets(user)
    registration_claims.remove(user.email)
    user.email, user.email_key = email, key
    if user.email_verified:
        user.email_verified_at = datetime.now(UTC)
    user.save(update_fields=["email", "email_key", "email_verified_at", "updated_at"])
    verification_codes.invalidate(user_id=user.id, purposes=list(Purpose))
    if not user.email_verified:
        email_verification.prove(user, how="email_change")


def close(*, user_id: uuid.UUID) -> None:
    """Close all changes after an administrator has set the email: no code confirms and no link undoes them."""
    EmailChange.objects.open().filter(user_id=user_id).update(closed_at=datetime.now(UTC))
