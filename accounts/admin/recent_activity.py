"""The panels below the form of a user: recent sessions and recent events, each with one query through an index."""

from datetime import datetime
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.sessions import device_label, session_state
from accounts.models import AuditEvent, User
from sessions_tracking.models import Session

MAX_ROWS = 20
_URL_PREFIXES: dict[type[Model], str] = {Session: "sessions_tracking_session", AuditEvent: "accounts_auditevent"}
_LINK = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'


def panels(user: User, request: HttpRequest) -> list[dict[str, Any]]:
    """Return the panels whose lists the signed-in user may view."""
    shown = []
    if request.user.has_perm("sessions_tracking.view_session"):
        shown.append(_sessions_panel(user))
    if request.user.has_perm("accounts.view_auditevent"):
        shown.append(_events_panel(user))
    return shown


def _sessions_panel(user: User) -> dict[str, Any]:
    sessions = Session.objects.filter(user=user).order_by("-last_seen_at")[:MAX_ROWS]
    headers = [_("last seen"), _("device"), _("IP address"), _("location"), _("state")]
    cells = [
        [_link(row, row.last_seen_at), device_label(row), row.ip, row.location, session_state(row)[1]]
        for row in sessions
    ]
    return _panel(Session, _("Recent sessions"), headers, cells, user)


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
    return format_html(_LINK, url, formats.date_format(timezone.localtime(timestamp), "SHORT_DATETIME_FORMAT"))


def _panel(model: type[Model], title: Any, headers: list[Any], rows: list[list[Any]], user: User) -> dict[str, Any]:
    url = reverse(f"admin:{_URL_PREFIXES[model]}_changelist")
    return {"title": title, "all_url": f"{url}?q={user.pk}", "table": {"headers": headers, "rows": rows}}
