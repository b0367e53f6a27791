"""The emails about passkeys."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from accounts.mail import outbox_queue
from accounts.mail.kinds import EmailKind
from accounts.mail.outbox import admin_event_context, event_context
from accounts.models import User
from sessions_tracking.client_info import ClientInfo

PASSKEY_ADDED = EmailKind(name="passkey_added", label=_("passkey added"), is_notice=True)
PASSKEY_REMOVED = EmailKind(name="passkey_removed", label=_("passkey removed"), is_notice=True)
PASSKEY_COUNTER_DECREASED = EmailKind(
    name="passkey_counter_decreased", label=_("passkey counter went backwards"), is_notice=True
)


def passkey_added(user: User, client: ClientInfo, *, name: str) -> None:
    outbox_queue.enqueue(PASSKEY_ADDED, user, event_context(client) | {"passkey_name": name})


def passkey_removed(user: User, client: ClientInfo, *, name: str) -> None:
    outbox_queue.enqueue(PASSKEY_REMOVED, user, event_context(client) | {"passkey_name": name})


def passkeys_removed_by_admin(user: User, *, names: Sequence[str]) -> None:
    context = {"passkey_name": ", ".join(names), "by_admin": True}
    outbox_queue.enqueue(PASSKEY_REMOVED, user, admin_event_context() | context)


def passkey_counter_decreased(user: User, client: ClientInfo, *, name: str) -> None:
    outbox_queue.enqueue(PASSKEY_COUNTER_DECREASED, user, event_context(client) | {"passkey_name": name})
