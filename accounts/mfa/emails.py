"""The emails about two-factor authentication."""

from django.utils.translation import gettext_lazy as _

from accounts.mail import outbox_queue
from accounts.mail.kinds import EmailKind
from accounts.mail.outbox import admin_event_context, event_context
from accounts.models import User
from sessions_tracking.client_info import ClientInfo

MFA_ENABLED = EmailKind(name="mfa_enabled", label=_("two-factor authentication turned on"), is_notice=True)
MFA_DISABLED = EmailKind(name="mfa_disabled", label=_("two-factor authentication turned off"), is_notice=True)
RECOVERY_CODE_USED = EmailKind(name="recovery_code_used", label=_("recovery code used"), is_notice=True)


def mfa_enabled(user: User, client: ClientInfo) -> None:
    outbox_queue.enqueue(MFA_ENABLED, user, event_context(client))


def mfa_disabled(user: User, client: ClientInfo) -> None:
    outbox_queue.enqueue(MFA_DISABLED, user, event_context(client))


def mfa_disabled_by_admin(user: User) -> None:
    outbox_queue.enqueue(MFA_DISABLED, user, admin_event_context() | {"by_admin": True})


def recovery_code_used(user: User, client: ClientInfo, *, left: int) -> None:
    outbox_queue.enqueue(RECOVERY_CODE_USED, user, event_context(client) | {"codes_left": left})
