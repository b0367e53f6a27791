"""The emails of two-factor authentication, each written to the outbox within the caller's transaction."""

from datetime import UTC, datetime

from accounts.mail import outbox, outbox_queue
from accounts.models import EmailKind, User
from core.api.timestamps import iso
from sessions_tracking.client_info import ClientInfo


def mfa_enabled(user: User, client: ClientInfo) -> None:
    outbox_queue.promise(EmailKind.MFA_ENABLED, user, outbox.client_context(client))


def mfa_disabled(user: User, client: ClientInfo) -> None:
    outbox_queue.promise(EmailKind.MFA_DISABLED, user, outbox.client_context(client))


def mfa_disabled_by_admin(user: User) -> None:
    """Leave device and IP out: they would be the administrator's."""
    outbox_queue.promise(EmailKind.MFA_DISABLED, user, {"happened_at": iso(datetime.now(UTC)), "by_admin": True})


def recovery_code_used(user: User, client: ClientInfo, *, left: int) -> None:
    outbox_queue.promise(EmailKind.RECOVERY_CODE_USED, user, outbox.client_context(client) | {"codes_left": left})
