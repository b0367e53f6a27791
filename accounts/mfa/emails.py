"""The emails about two-factor authentication."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.mail import outbox_queue
from accounts.mail.compose import Unwanted, link_to
from accounts.mail.kinds import EmailKind
from accounts.mail.outbox import admin_event_context, event_context
from accounts.mfa import recovery_links
from accounts.mfa.models import FactorRecovery
from accounts.models import OutboxEmail, User
from sessions_tracking.client_info import ClientInfo

MFA_ENABLED = EmailKind(name="mfa_enabled", label=_("authenticator app added"), is_notice=True)
MFA_DISABLED = EmailKind(name="mfa_disabled", label=_("authenticator app removed"), is_notice=True)
RECOVERY_CODE_USED = EmailKind(name="recovery_code_used", label=_("recovery code used"), is_notice=True)


def _recovery_context(email: OutboxEmail, user: User) -> Mapping[str, Any]:
    """Return the links of a recovery that is still open. Raises Unwanted for any other."""
    recovery = FactorRecovery.objects.open(datetime.now(UTC)).filter(id=email.context["recovery_id"]).first()
    if recovery is None or not recovery_links.is_bound_to(recovery, user):
        raise Unwanted
    return {
        "available_at": recovery.available_at,
        "link": link_to("recovery", token=recovery_links.completion_token(recovery)),
        "stop_link": link_to("recovery/stop", token=recovery_links.stop_token(recovery)),
        "days": settings.RECOVERY_LINK_LIFETIME.days,
    }


# It is no notice: each recovery has links of its own.
RECOVERY_BEGUN = EmailKind(
    name="recovery_begun", label=_("recovery of the second factor begun"), context=_recovery_context
)
RECOVERY_STOPPED = EmailKind(name="recovery_stopped", label=_("recovery of the second factor stopped"), is_notice=True)
RECOVERY_COMPLETED = EmailKind(
    name="recovery_completed", label=_("recovery of the second factor completed"), is_notice=True
)


def recovery_begun(user: User, recovery: FactorRecovery, client: ClientInfo) -> None:
    outbox_queue.enqueue(RECOVERY_BEGUN, user, event_context(client) | {"recovery_id": str(recovery.id)})


def recovery_stopped(user: User, client: ClientInfo | None) -> None:
    """`client` is None if an administrator stopped it."""
    outbox_queue.enqueue(RECOVERY_STOPPED, user, event_context(client) if client else admin_event_context())


def recovery_completed(user: User, client: ClientInfo) -> None:
    outbox_queue.enqueue(RECOVERY_COMPLETED, user, event_context(client))


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
