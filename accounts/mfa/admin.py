"""A user's recoveries in the admin, and the actions on lost second factors. Django's autodiscovery imports this module."""

from datetime import UTC, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.confirmed_actions import ConfirmedAction
from accounts.admin.user_actions import USER_ACTIONS
from accounts.admin.user_panels import USER_PANELS, UserPanel, format_time, panel
from accounts.mfa.flows import enrolment, lost_factors
from accounts.mfa.models import FactorRecovery
from accounts.models import AuditEvent, User


def _panel(user: User) -> dict[str, Any] | None:
    """Return None for a user without recoveries. The link leads to the user's audit events, which outlive the rows."""
    recoveries = FactorRecovery.objects.filter(user=user).order_by("-id")
    if not recoveries:
        return None
    headers = [_("begun"), _("available from"), _("state"), _("IP address"), _("device")]
    cells = [
        [format_time(row.started_at), format_time(row.available_at), _state(row), row.ip, row.device]
        for row in recoveries
    ]
    return panel(AuditEvent, _("Recovery of the second factor"), headers, cells, user)


def _state(recovery: FactorRecovery) -> str | Promise:
    if recovery.completed_at:
        return _("completed")
    if recovery.cancelled_at:
        return _("stopped")
    return _("open") if recovery.expires_at > datetime.now(UTC) else _("expired")


USER_PANELS.register(UserPanel(name="factor recovery", permission="accounts.view_auditevent", build=_panel))
USER_ACTIONS.register(
    ConfirmedAction(
        name="reset-second-factor",
        title=_("Remove authenticator app and recovery codes"),
        question=_(
            "For users who lost both their phone and their recovery codes. They are notified by email. "
            "Without a passkey, they can then sign in with just their password; "
            "those who have one keep it, and get new recovery codes at their next sign-in."
        ),
        icon="phonelink_erase",
        is_destructive=True,
        superusers_only=True,
        not_on_self=True,
        is_applicable=enrolment.has_app_or_codes,
        run=lambda actor, user, _reason: enrolment.reset_by_admin(user_id=user, actor_id=actor),
    ),
    ConfirmedAction(
        name="stop-recovery",
        title=_("Stop the recovery of the second factor"),
        question=_(
            "Someone who knows the user's password asked to turn off two-factor authentication, and will be able to "
            "with the link in the email. Stop it if it was not the user, who is notified by email."
        ),
        icon="back_hand",
        is_applicable=lost_factors.is_open,
        run=lambda actor, user, _reason: lost_factors.stop_by_admin(user_id=user, actor_id=actor),
    ),
)
