"""Sessions in the admin: read-only, with an action to end one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyMixin, column, is_outranked
from accounts.admin.confirmed_actions import ConfirmedAction, ConfirmedActionsAdmin
from accounts.admin.search import search_user_ids
from accounts.services.administration import support
from core.ids import parse_id
from sessions_tracking.models import RevokedReason, Session, SessionQuerySet

_END_SESSION = ConfirmedAction(
    is_applicable=lambda session: session.revoked_at is None,
    name="revoke",
    title=_("End session"),
    question=_("Revokes the tokens of this session immediately. The user can sign in again."),
    icon="logout",
    is_destructive=True,
    run=lambda actor, session, _reason: support.end_session(actor_id=actor, session_id=session),
)
_STATE_LABELS = {"active": "success", "ended": "info", "stolen": "danger", "expired": "warning"}


def device_label(session: Session) -> str:
    return f"{session.browser} · {session.os} · {session.device}"


def authentication_label(session: Session) -> str:
    """Return the assurance level, and the methods by their names in RFC 8176."""
    return f"{session.acr}: {', '.join(session.amr_values)}"


def session_state(session: Session) -> tuple[str, Any]:
    """Return the state, as a key of the label's colours, and its text, which says why the session ended."""
    if session.revoked_at is not None:
        state = "stolen" if session.revoked_reason == RevokedReason.REFRESH_REUSED else "ended"
        return state, session.get_revoked_reason_display() or _("ended")
    if session.is_active(datetime.now(UTC)):
        return "active", _("active")
    return "expired", _("expired")


class SessionStateFilter(SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [("active", _("active")), ("revoked", _("ended early"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        if self.value() == "active":
            return cast("SessionQuerySet", queryset).active(datetime.now(UTC))
        if self.value() == "revoked":
            return queryset.filter(revoked_at__isnull=False)
        return queryset


@admin.register(Session)
class SessionAdmin(ReadOnlyMixin, ConfirmedActionsAdmin):
    """Shows no token, nothing from which a token could be made, and not `data`, which belongs to the client."""

    confirmed_actions = (_END_SESSION,)
    list_display = ("started", "user_link", "device_name", "ip_address", "last_seen_at", "state")
    list_filter = (SessionStateFilter,)
    list_select_related = ("user",)
    sortable_by = ("started",)
    search_fields = ("id", "user__username_key", "user__email_key")
    search_help_text = _("Email, username or name of the user, user ID or session ID")
    ordering = ("-id",)
    fields = (
        ("id", "state_text"),
        ("user_link", "name"),
        ("device_name", "user_agent"),
        ("ip_address", "location"),
        ("authentication", "authenticated_at"),
        ("created_at", "last_seen_at"),
        ("expires_at", "revoked_at"),
    )
    readonly_fields = (
        "id", "state_text", "user_link", "name", "device_name", "user_agent", "ip_address", "location",
        "authentication", "authenticated_at", "created_at", "last_seen_at", "expires_at", "revoked_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        rows: QuerySet[Session] = super().get_queryset(request)
        return rows.select_related("user").defer("data", "refresh_jti", "previous_refresh_jti")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        session_id = parse_id(term)
        if session_id is not None and queryset.filter(id=session_id).exists():
            return queryset.filter(id=session_id), False
        return queryset.filter(user_id__in=search_user_ids(term)), False

    def has_confirmed_actions_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sessions_tracking.change_session")

    def get_available_actions(self, request: HttpRequest, obj: Any = None) -> list[ConfirmedAction]:
        if obj is not None and is_outranked(request, obj.user):
            return []
        return super().get_available_actions(request, obj)

    def describe(self, obj: Any) -> str:
        return f"{obj.user.username}: {device_label(obj)}, {obj.ip or _('unknown IP address')}, {obj.location}"

    @column(description=_("created at"), ordering="id")
    def started(self, session: Session) -> Any:
        return session.created_at

    @column(description=_("user"))
    def user_link(self, session: Session) -> SafeString:
        url = reverse("admin:accounts_user_change", args=[session.user_id])
        css = "text-primary-600 dark:text-primary-500"
        return format_html('<a href="{}" class="{}">{}</a>', url, css, session.user.username)

    @column(description=_("device"))
    def device_name(self, session: Session) -> str:
        return device_label(session)

    @column(description=_("authentication"))
    def authentication(self, session: Session) -> str:
        return authentication_label(session)

    @column(description=_("IP address"))
    def ip_address(self, session: Session) -> str | None:
        return session.ip

    @column(description=_("state"), label=_STATE_LABELS)
    def state(self, session: Session) -> tuple[str, Any]:
        return session_state(session)

    @column(description=_("state"))
    def state_text(self, session: Session) -> Any:
        return session_state(session)[1]
