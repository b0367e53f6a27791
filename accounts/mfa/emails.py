"""The emails about two-factor authentication."""

from django.utils.translation import gettext_lazy as _

from accounts.mail import outbox_queue
from accounts.mail.kinds import EmailKind
from accounts.mail.outbox import admin_event_context, event_context
from accounts.models import User
from sessions_tracking.client_info import ClientInfo

MFA_ENABLED = EmailKind(name="mfa_enabled", label=_("authenticator app added"), is_notice=True)
MFA_DISABLED = EmailKind(name="mfa_disabled", label=_("authenticator app removed"), is_notice=True)
RECOVERY_CODE_USED = EmailKind(name="recovery_code_used", label=_("recovery code used"), is_notice=True)


def app_added(user: User, client: ClientInfo, *, is_first: bool) -> None:
    """`is_first`: the app turned two-factor authentication on; otherwise the user had another second factor before."""
    outbox_queue.enqueue(MFA_ENABLED, user, event_context(client) | {"is_first": is_first})


def app_removed(user: User, client: ClientInfo, *, is_last: bool) -> None:
    """`is_last`: the removal turned two-factor authentication off; otherwise the user has another second factor."""
    outbox_queue.enqueue(MFA_DISABLED, user, event_context(client) | {"is_last": is_last})


def app_removed_by_admin(user: User, *, is_last: bool) -> None:
    outbox_queue.enqueue(MFA_DISABLED, user, admin_event_context() | {"by_admin": True, "is_last": is_last})


def recovery_code_used(user: User, client: ClientInfo, *, left: int, is_step_up: bool) -> None:
    """`is_step_up`: the user was signed in before, and confirmed their identity."""
    context = event_context(client) | {"codes_left": left, "is_step_up": is_step_up}
    outbox_queue.enqueue(RECOVERY_CODE_USED, user, context)
