"""The panels below the form of a user: ways to sign in, recent sessions and recent events, through indexes."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.admin.sessions import authentication_label, device_label, session_state
from accounts.admin.user_panels import USER_PANELS, format_time, link, panel, row_link
from accounts.models import AuditEvent, User
from accounts.registries import SecondFactor, SignInMethod
from accounts.services import enabled_factors, sign_in_methods
from sessions_tracking.models import Session

MAX_ROWS = 20


def panels(user: User, request: HttpRequest) -> list[dict[str, Any]]:
    """Return the ways to sign in, and the lists that the signed-in user may view."""
    registered = [panel.build(user) for panel in USER_PANELS if request.user.has_perm(panel.permission)]
    shown = [_sign_in_panel(user), *filter(None, registered)]
    if request.user.has_perm("sessions_tracking.view_session"):
        shown.append(_sessions_panel(user))
    if request.user.has_perm("accounts.view_auditevent"):
        shown.append(_events_panel(user))
    return shown


def _sign_in_panel(user: User) -> dict[str, Any]:
    """Show the latest sign-in or step-up of a session that is still in the database."""
    latest = user.sessions.aggregate(latest=Max("authenticated_at"))["latest"]
    methods, factors = _labels(sign_in_methods.get_available(user)), _labels(enabled_factors.get(user.id))
    headers = [_("sign-in methods"), _("second factors"), _("last authenticated")]
    rows = [[methods, factors, format_time(latest) if latest else ""]]
    return {"title": _("Sign-in"), "table": {"headers": headers, "rows": rows}}


def _labels(entries: Iterable[SignInMethod | SecondFactor]) -> str:
    return ", ".join(str(entry.label or entry.name) for entry in entries)


def _sessions_panel(user: User) -> dict[str, Any]:
    sessions = Session.objects.filter(user=user).order_by("-last_seen_at")[:MAX_ROWS]
    headers = [_("last seen"), _("device"), _("IP address"), _("location"), _("authentication"), _("authenticated at")]
    return panel(Session, _("Recent sessions"), [*headers, _("state")], [_session_cells(row) for row in sessions], user)


def _session_cells(session: Session) -> list[Any]:
    return [
        row_link(session, format_time(session.last_seen_at)),
        device_label(session),
        session.ip,
        session.location,
        authentication_label(session),
        format_time(session.authenticated_at),
        session_state(session)[1],
    ]


def _events_panel(user: User) -> dict[str, Any]:
    events = AuditEvent.objects.filter(user_id=user.id).order_by("-created_at")[:MAX_ROWS]
    headers = [_("time"), _("event"), _("actor"), _("IP address"), _("device")]
    cells = [
        [row_link(row, format_time(row.created_at)), row.kind_label, _actor(row), row.ip, row.device] for row in events
    ]
    return panel(AuditEvent, _("Recent events"), headers, cells, user)


def _actor(event: AuditEvent) -> Any:
    """Link to the administrator without the name, which would cost a query per row."""
    if event.actor_id is None or event.actor_id == event.user_id:
        return _("the user") if event.actor_id else ""
    return link(reverse("admin:accounts_user_change", args=[event.actor_id]), _("an administrator"))
