"""Promises emails within the caller's transaction: one function per email."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction

from accounts.identity import email_key_or_none
from accounts.mail import outbox_queue
from accounts.mail.wake_worker import nudge
from accounts.models import EmailChange, EmailKind, EmailState, OutboxEmail, User
from core.api.timestamps import iso
from core.ids import new_id
from sessions_tracking.client_info import ClientInfo

_LONGEST_ADDRESS = 254


def verification(user: User) -> None:
    """The code and the link; one that still waits gives way to this one."""
    outbox_queue.cancel_waiting(EmailKind.VERIFY_EMAIL, user.id)
    outbox_queue.promise(EmailKind.VERIFY_EMAIL, user)


def no_verification() -> None:
    """For an address that gets none: what `verification` costs, so that the time tells nothing (ASVS 6.3.8)."""
    outbox_queue.cancel_waiting(EmailKind.VERIFY_EMAIL, new_id())
    nothing()


def nothing() -> None:
    """A row that sends nothing to nobody, where to write none would be told by the clock."""
    outbox_queue.write(kind=EmailKind.VERIFY_EMAIL, address="", state=EmailState.CANCELLED)


def first_verification(user: User) -> None:
    """As `verification`, for a user who was made in this very transaction and so has none waiting."""
    outbox_queue.promise(EmailKind.VERIFY_EMAIL, user)


def welcome(user: User) -> None:
    outbox_queue.promise(EmailKind.WELCOME, user)


def password_reset(*, address: str, language: str, after_undo: bool = False) -> None:
    """Written for any address alike: whether somebody has it, the worker finds out, on nobody's time (ASVS 6.3.8).

    `after_undo`: nobody asked for it; the account has just come back from somebody who knew the password.
    """
    key = email_key_or_none(address)
    if key is not None and len(key) <= _LONGEST_ADDRESS:
        context = {"after_undo": True} if after_undo else None
        outbox_queue.write(kind=EmailKind.RESET_PASSWORD, address=key, language=language, context=context)


def password_changed(user: User, client: ClientInfo) -> None:
    outbox_queue.promise(EmailKind.PASSWORD_CHANGED, user, client_context(client))


def password_changed_by_admin(user: User) -> None:
    """Without a device and an address: those would be the administrator's."""
    outbox_queue.promise(EmailKind.PASSWORD_CHANGED, user, {"happened_at": iso(datetime.now(UTC))})


def new_device(user: User, client: ClientInfo) -> None:
    outbox_queue.promise(EmailKind.NEW_DEVICE, user, client_context(client) | {"location": client.location})


def refresh_token_reused(user: User, client: ClientInfo) -> None:
    outbox_queue.promise(EmailKind.REFRESH_TOKEN_REUSED, user, client_context(client))


def account_deleted(user: User) -> None:
    """Not tied to the user's row, which is about to go and takes its other emails along.

    An email that was never verified receives none: it may be a stranger's, for whom somebody registers and deletes accounts.

    Resets are not tied to it either: those to the address go here, or it would stay for HISTORY_RETENTION.
    """
    OutboxEmail.objects.filter(user=None, kind=EmailKind.RESET_PASSWORD, address=user.email_key or "").delete()
    if user.email and user.email_verified:
        context = {"happened_at": iso(datetime.now(UTC)), "username": user.username}
        outbox_queue.write(kind=EmailKind.ACCOUNT_DELETED, address=user.email, language=user.language, context=context)


def address_already_registered(user: User) -> None:
    outbox_queue.promise(EmailKind.ADDRESS_ALREADY_REGISTERED, user)


def address_already_used(user: User) -> None:
    """Somebody with another account asked to move it to this user's address."""
    outbox_queue.promise(EmailKind.ADDRESS_ALREADY_USED, user)


def email_change_code(user: User, change: EmailChange) -> None:
    """To the new address, which nobody has proven yet: it names no account."""
    context = {"change_id": str(change.id)}
    outbox_queue.write(
        kind=EmailKind.EMAIL_CHANGE_CODE, user=user, address=change.new_email, language=user.language, context=context
    )


def email_change_requested(user: User, change: EmailChange, client: ClientInfo) -> None:
    """To the address that the account still has."""
    outbox_queue.promise(EmailKind.EMAIL_CHANGE_REQUESTED, user, client_context(client) | _change(change))


def email_changed(user: User, change: EmailChange, client: ClientInfo) -> None:
    """To the address that the account had, with the link that undoes the change."""
    if change.old_email:
        outbox_queue.write(
            kind=EmailKind.EMAIL_CHANGED,
            user=user,
            address=change.old_email,
            language=user.language,
            context=client_context(client) | _change(change),
        )


def email_changed_by_admin(user: User, *, old_email: str | None) -> None:
    """To the address that the account had, without a device and an address: those would be the administrator's."""
    if old_email:
        context = {"happened_at": iso(datetime.now(UTC))}
        outbox_queue.write(
            kind=EmailKind.EMAIL_CHANGED_BY_ADMIN,
            user=user,
            address=old_email,
            language=user.language,
            context=context,
        )


def _change(change: EmailChange) -> dict[str, str]:
    return {"change_id": str(change.id), "new_email": change.new_email}


def invitation(user: User) -> None:
    """For a user without a password: the link to set one; an invitation that still waits gives way to this one."""
    outbox_queue.cancel_waiting(EmailKind.INVITATION, user.id)
    outbox_queue.promise(EmailKind.INVITATION, user)


def cancel_resets(user: User) -> None:
    """A reset that was asked for before the password changed must not be mailed after it, put off or sent again."""
    unsent = [EmailState.QUEUED, EmailState.SENDING, EmailState.FAILED]
    resets = OutboxEmail.objects.filter(user=None, kind=EmailKind.RESET_PASSWORD, address=user.email_key or "")
    resets.filter(state__in=unsent).update(**outbox_queue.CANCELLED)


def send_again(*, email_ids: Iterable[uuid.UUID]) -> int:
    """Gives failed emails a new run of tries and says how many those were; no other state is touched.

    A code or link that was asked for anew meanwhile goes before: the older email is then dropped when its turn comes.
    """
    failed = OutboxEmail.objects.filter(id__in=list(email_ids), state=EmailState.FAILED)
    with transaction.atomic():
        count = failed.update(state=EmailState.QUEUED, tries=0, due_at=datetime.now(UTC))
        transaction.on_commit(nudge)
    return count


def client_context(client: ClientInfo) -> dict[str, str]:
    return {"happened_at": iso(datetime.now(UTC)), "ip": client.ip or "", "device": client.label}
