"""What stands below a user's form: the sessions and the events of late; two queries, each through an index."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin import session_display
from accounts.models import AuditEvent, User
from sessions_tracking.models import Session

SHOWN = 20
_NAMES: dict[type[Model], str] = {Session: "sessions_tracking_session", AuditEvent: "accounts_auditevent"}
_LINK = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'


def of(user: User, request: HttpRequest) -> list[dict[str, Any]]:
    """Only what this person might look at in the lists too."""
    found = []
    if request.user.has_perm("sessions_tracking.view_session"):
        found.append(_sessions(user))
    if request.user.has_perm("accounts.view_auditevent"):
        found.append(_events(user))
    return found


def _sessions(user: User) -> dict[str, Any]:
    rows = Session.objects.filter(user=user).order_by("-last_seen_at")[:SHOWN]
    cells = [
        [_link(row, row.last_seen_at), session_display.device(row), row.ip, row.location, session_display.state(row)[1]]
        for row in rows
    ]
    headers = [_("last seen"), _("device"), _("address"), _("location"), _("state")]
    return _panel(Session, _("Sessions of late"), headers, cells, user)


def _events(user: User) -> dict[str, Any]:
    rows = AuditEvent.objects.filter(user_id=user.id).order_by("-created_at")[:SHOWN]
    cells = [[_link(row, row.created_at), row.get_kind_display(), _author(row), row.ip, row.device] for row in rows]
    headers = [_("time"), _("event"), _("by"), _("address"), _("device")]
    return _panel(AuditEvent, _("Events of late"), headers, cells, user)


def _author(event: AuditEvent) -> Any:
    """Without asking who: an administrator's name would be a query a row."""
    if event.actor_id is None or event.actor_id == event.user_id:
        return _("the user") if event.actor_id else ""
    return format_html(_LINK, reverse("admin:accounts_user_change", args=[event.actor_id]), _("an administrator"))


def _link(row: Model, moment: Any) -> Any:
    address = reverse(f"admin:{_NAMES[type(row)]}_change", args=[row.pk])
    return format_html(_LINK, address, formats.date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT"))


def _panel(model: type[Model], title: Any, headers: list[Any], rows: list[list[Any]], user: User) -> dict[str, Any]:
    address = reverse(f"admin:{_NAMES[model]}_changelist")
    return {"title": title, "all": f"{address}?q={user.pk}", "table": {"headers": headers, "rows": rows}}
