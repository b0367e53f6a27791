"""Queues emails in the caller's transaction: one function per email."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.identity import email_key_or_none
from accounts.mail import kinds, outbox_queue
from accounts.mail.wake_worker import wake_worker
from accounts.models import EmailChange, EmailState, OutboxEmail, User
from core.api.timestamps import iso
from core.ids import new_id
from sessions_tracking.client_info import ClientInfo

_MAX_EMAIL_LENGTH = 254


def verification(user: User) -> None:
    """Queue the email with the code and the link; it replaces one that is still queued."""
    outbox_queue.cancel_queued(kinds.VERIFY_EMAIL, user.id)
    outbox_queue.enqueue(kinds.VERIFY_EMAIL, user)


def first_verification(user: User) -> None:
    """Like `verification`, for a user created in this transaction: no other verification email can be queued."""
    outbox_queue.enqueue(kinds.VERIFY_EMAIL, user)


def write_dummy_verification() -> None:
    """Run the statements of `verification` for an email without an account (prevents timing enumeration, ASVS 6.3.8)."""
    outbox_queue.cancel_queued(kinds.VERIFY_EMAIL, new_id())
    write_dummy_row()


def write_dummy_row() -> None:
    """Insert a cancelled row so that the response takes as long as for a real account (prevents timing enumeration)."""
    outbox_queue.write(kind=kinds.VERIFY_EMAIL, recipient="", state=EmailState.CANCELLED)


def welcome(user: User) -> None:
    outbox_queue.enqueue(kinds.WELCOME, user)


def invitation(user: User) -> None:
    """Queue the link to set a first password; it replaces an invitation that is still queued."""
    outbox_queue.cancel_queued(kinds.INVITATION, user.id)
    outbox_queue.enqueue(kinds.INVITATION, user)


def password_reset(*, email: str, language: str, after_undo: bool = False) -> None:
    """Queue a reset for any email. The worker looks up its account, so that no response time reveals it (ASVS 6.3.8).

    `after_undo`: the user did not request it; the account was just recovered from someone who knew the password.
    """
    key = email_key_or_none(email)
    if key is not None and len(key) <= _MAX_EMAIL_LENGTH:
        context = {"after_undo": True} if after_undo else None
        outbox_queue.write(kind=kinds.RESET_PASSWORD, recipient=key, language=language, context=context)


def cancel_resets(user: User) -> None:
    """Cancel unsent resets, failed ones too: one requested before the password changed must not be sent after it."""
    unsent = [EmailState.QUEUED, EmailState.SENDING, EmailState.FAILED]
    _resets(user).filter(state__in=unsent).update(**outbox_queue.CANCELLED)


def password_changed(user: User, client: ClientInfo) -> None:
    outbox_queue.enqueue(kinds.PASSWORD_CHANGED, user, event_context(client))


def password_changed_by_admin(user: User) -> None:
    outbox_queue.enqueue(kinds.PASSWORD_CHANGED, user, admin_event_context())


def new_device(user: User, client: ClientInfo) -> None:
    outbox_queue.enqueue(kinds.NEW_DEVICE, user, event_context(client) | {"location": client.location})


def refresh_token_reused(user: User, client: ClientInfo) -> None:
    outbox_queue.enqueue(kinds.REFRESH_TOKEN_REUSED, user, event_context(client))


def account_deleted(user: User) -> None:
    """Queue the notice without a reference to the user's row, which is about to be deleted with its other emails.

    An unverified email receives none: it may belong to someone else, for whom an attacker registers and deletes accounts.
    Resets have no reference to the user either. Delete them here, or the email would stay for HISTORY_RETENTION.
    """
    _resets(user).delete()
    if user.email and user.email_verified:
        context = admin_event_context() | {"username": user.username}
        outbox_queue.write(kind=kinds.ACCOUNT_DELETED, recipient=user.email, language=user.language, context=context)


def address_already_registered(user: User) -> None:
    """Notify the owner of an email that a registration used it."""
    outbox_queue.enqueue(kinds.ADDRESS_ALREADY_REGISTERED, user)


def address_already_used(user: User) -> None:
    """Notify the owner of an email that the user of another account tried to change to it."""
    outbox_queue.enqueue(kinds.ADDRESS_ALREADY_USED, user)


def email_change_code(user: User, change: EmailChange) -> None:
    """Queue the code for the new email. It is not verified yet, so the email does not name the account."""
    _write_to(change.new_email, kinds.EMAIL_CHANGE_CODE, user, {"change_id": str(change.id)})


def email_change_requested(user: User, change: EmailChange, client: ClientInfo) -> None:
    """Notify the current email, with the link that stops the change."""
    outbox_queue.enqueue(kinds.EMAIL_CHANGE_REQUESTED, user, event_context(client) | _change_context(change))


def email_changed(user: User, change: EmailChange, client: ClientInfo) -> None:
    """Notify the former email, with the link that undoes the change."""
    _write_to(change.old_email, kinds.EMAIL_CHANGED, user, event_context(client) | _change_context(change))


def email_changed_by_admin(user: User, *, old_email: str | None) -> None:
    """Notify the former email."""
    _write_to(old_email, kinds.EMAIL_CHANGED_BY_ADMIN, user, admin_event_context())


def send_again(*, email_ids: Iterable[uuid.UUID]) -> int:
    """Queue failed emails anew, with all their attempts, and return their number. Emails in other states are left alone.

    If the code or link was requested again meanwhile, the worker discards the older email.
    """
    failed = OutboxEmail.objects.filter(id__in=list(email_ids), state=EmailState.FAILED)
    with transaction.atomic():
        count = failed.update(state=EmailState.QUEUED, attempts=0, due_at=datetime.now(UTC))
        transaction.on_commit(wake_worker)
    return count


def event_context(client: ClientInfo) -> dict[str, str]:
    """Return when, from which IP and on which device an event happened."""
    return {"happened_at": iso(datetime.now(UTC)), "ip": client.ip or "", "device": client.label}


def admin_event_context() -> dict[str, str]:
    """Return when an event happened, without an IP and a device: those would be the administrator's."""
    return {"happened_at": iso(datetime.now(UTC))}


def _change_context(change: EmailChange) -> dict[str, str]:
    return {"change_id": str(change.id), "new_email": change.new_email}


def _write_to(email: str | None, kind: kinds.EmailKind, user: User, context: dict[str, str]) -> None:
    if email:
        outbox_queue.write(kind=kind, user=user, recipient=email, language=user.language, context=context)


def _resets(user: User) -> QuerySet[OutboxEmail]:
    """Return the resets for the user's email: the worker finds their user only when it sends them."""
    return OutboxEmail.objects.filter(user=None, kind=kinds.RESET_PASSWORD.name, recipient=user.email_key or "")
