"""Sessions in Django's admin: who is signed in, from where; and to end one."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin import session_display
from accounts.admin.admin_user import stands_above
from accounts.admin.base import ReadOnly
from accounts.admin.confirmed_actions import Deed, DeedAdmin
from accounts.admin.display import column
from accounts.admin.filters import SessionStateFilter
from accounts.admin.search import ids_of_people
from accounts.services.administration import support
from core.ids import parse_id
from sessions_tracking.models import Session

_REVOKE = Deed(
    name="revoke",
    title=_("End the session"),
    question=_("Its tokens are refused at once, by every process. The user can sign in again."),
    icon="logout",
    is_grave=True,
    run=lambda actor, session, _reason: support.end_session(actor_id=actor, session_id=session),
)


@admin.register(Session)
class SessionAdmin(ReadOnly, DeedAdmin):
    """Neither tokens nor what they are made from; nor `data`, which belongs to the client."""

    deeds = (_REVOKE,)
    list_display = ("started", "owner", "device_words", "address", "last_seen_at", "state")
    list_filter = (SessionStateFilter,)
    list_select_related = ("user",)
    sortable_by = ("started",)
    search_fields = ("id", "user__username_key", "user__email_key")
    search_help_text = _("Email, username or name of its user, from its beginning; or a whole id of either")
    ordering = ("-id",)
    fields = (
        ("id", "state_in_words"),
        ("owner", "name"),
        ("device_words", "user_agent"),
        ("address", "location"),
        ("second_factor",),
        ("created_at", "last_seen_at"),
        ("expires_at", "revoked_at"),
    )
    readonly_fields = (
        "id", "state_in_words", "owner", "name", "device_words", "user_agent", "address", "location", "second_factor",
        "created_at", "last_seen_at", "expires_at", "revoked_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        rows: QuerySet[Session] = super().get_queryset(request)
        return rows.select_related("user").defer("data", "refresh_jti", "previous_refresh_jti")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        session_id = parse_id(search_term.strip())
        if session_id is not None and queryset.filter(id=session_id).exists():
            return queryset.filter(id=session_id), False
        return (queryset.filter(user_id__in=ids_of_people(search_term)) if search_term.strip() else queryset), False

    def has_deed_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sessions_tracking.change_session")

    def deeds_for(self, request: HttpRequest, obj: Any = None) -> list[Deed]:
        return [] if obj is not None and stands_above(request, obj.user) else super().deeds_for(request, obj)

    def offers(self, deed: Deed, obj: Any) -> bool:
        return obj.revoked_at is None

    def in_words(self, obj: Any) -> str:
        address = obj.ip or _("no address")
        return f"{obj.user.username}: {session_display.device(obj)}, {address}, {obj.location}"

    @column(description=_("created at"), ordering="id")
    def started(self, session: Session) -> Any:
        return session.created_at

    @column(description=_("user"))
    def owner(self, session: Session) -> SafeString:
        link = reverse("admin:accounts_user_change", args=[session.user_id])
        css = "text-primary-600 dark:text-primary-500"
        return format_html('<a href="{}" class="{}">{}</a>', link, css, session.user.username)

    @column(description=_("device"))
    def device_words(self, session: Session) -> str:
        return session_display.device(session)

    @column(description=_("address"))
    def address(self, session: Session) -> str | None:
        return session.ip

    @column(description=_("state"), label=session_display.COLOURS)
    def state(self, session: Session) -> tuple[str, Any]:
        return session_display.state(session)

    @column(description=_("state"))
    def state_in_words(self, session: Session) -> Any:
        return session_display.state(session)[1]
