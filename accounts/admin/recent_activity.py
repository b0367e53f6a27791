"""The panels below the form of a user: ways to sign in, recent sessions and recent events, through indexes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Max, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.sessions import authentication_label, device_label, session_state
from accounts.models import AuditEvent, User
from accounts.registries import SecondFactor, SignInMethod
from accounts.services import enabled_factors, sign_in_methods
from sessions_tracking.models import Session

MAX_ROWS = 20
_URL_PREFIXES: dict[type[Model], str] = {Session: "sessions_tracking_session", AuditEvent: "accounts_auditevent"}
_LINK = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'


def panels(user: User, request: HttpRequest) -> list[dict[str, Any]]:
    """Return the ways to sign in, and the lists that the signed-in user may view."""
    shown = [_sign_in_panel(user)]
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
    rows = [[methods, factors, _format_time(latest) if latest else ""]]
    return {"title": _("Sign-in"), "table": {"headers": headers, "rows": rows}}


def _labels(entries: Iterable[SignInMethod | SecondFactor]) -> str:
    return ", ".join(str(entry.label or entry.name) for entry in entries)


def _sessions_panel(user: User) -> dict[str, Any]:
    sessions = Session.objects.filter(user=user).order_by("-last_seen_at")[:MAX_ROWS]
    headers = [_("last seen"), _("device"), _("IP address"), _("location"), _("authentication"), _("authenticated at")]
    return _panel(
        Session, _("Recent sessions"), [*headers, _("state")], [_session_cells(row) for row in sessions], user
    )


def _session_cells(session: Session) -> list[Any]:
    return [
        _link(session, session.last_seen_at),
        device_label(session),
        session.ip,
        session.location,
        authentication_label(session),
        _format_time(session.authenticated_at),
        session_state(session)[1],
    ]


def _events_panel(user: User) -> dict[str, Any]:
    events = AuditEvent.objects.filter(user_id=user.id).order_by("-created_at")[:MAX_ROWS]
    headers = [_("time"), _("event"), _("actor"), _("IP address"), _("device")]
    cells = [[_link(row, row.created_at), row.kind_label, _actor(row), row.ip, row.device] for row in events]
    return _panel(AuditEvent, _("Recent events"), headers, cells, user)


def _actor(event: AuditEvent) -> Any:
    """Link to the administrator without the name, which would cost a query per row."""
    if event.actor_id is None or event.actor_id == event.user_id:
        return _("the user") if event.actor_id else ""
    return format_html(_LINK, reverse("admin:accounts_user_change", args=[event.actor_id]), _("an administrator"))


def _link(row: Model, timestamp: datetime) -> Any:
    url = reverse(f"admin:{_URL_PREFIXES[type(row)]}_change", args=[row.pk])
    return format_html(_LINK, url, _format_time(timestamp))


def _format_time(timestamp: datetime) -> str:
    return formats.date_format(timezone.localtime(timestamp), "SHORT_DATETIME_FORMAT")


def _panel(model: type[Model], title: Any, headers: list[Any], rows: list[list[Any]], user: User) -> dict[str, Any]:
    url = reverse(f"admin:{_URL_PREFIXES[model]}_changelist")
    return {"title": title, "all_url": f"{url}?q={user.pk}", "table": {"headers": headers, "rows": rows}}
