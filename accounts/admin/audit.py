"""Audit events in the admin, read-only."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LargeTableAdmin, ReadOnlyMixin, column
from accounts.admin.search import search_user_ids
from accounts.models import AuditEvent
from accounts.models.audit_event import AUDIT_KINDS


class AuditKindFilter(admin.SimpleListFilter):
    """The registered kinds. Django's own filter would read the distinct values of the whole table."""

    title = _("event")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.name, kind.label) for kind in AUDIT_KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(kind=self.value()) if self.value() in AUDIT_KINDS else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyMixin, LargeTableAdmin):
    list_display = ("created_at", "event", "user", "actor", "ip_address", "device", "details")
    list_filter = (AuditKindFilter,)
    search_fields = ("user_id", "request_id")
    search_help_text = _("Email, username, user ID or request ID")
    sortable_by = ("created_at",)
    ordering = ("-created_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Search through the indexes of user_id and request_id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(request_id=term) | Q(user_id__in=search_user_ids(term))), False

    @column(description=_("event"))
    def event(self, event: AuditEvent) -> str:
        return event.kind_label

    @column(description=_("user"))
    def user(self, event: AuditEvent) -> str:
        return _link(event.user_id)

    @column(description=_("actor"))
    def actor(self, event: AuditEvent) -> str:
        return _link(event.actor_id)

    @column(description=_("IP address"))
    def ip_address(self, event: AuditEvent) -> str | None:
        return event.ip

    @column(description=_("details"))
    def details(self, event: AuditEvent) -> str:
        return ", ".join(f"{name}: {value}" for name, value in event.facts.items())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}


def _link(user_id: uuid.UUID | None) -> str:
    """Show the last digits of the id, where ids of the same time differ.

    A username would cost a query per row, and the account may be deleted.
    """
    if user_id is None:
        return ""
    css = "text-primary-600 whitespace-nowrap dark:text-primary-500"
    url = reverse("admin:accounts_user_change", args=[user_id])
    return format_html('<a class="{}" href="{}" title="{}">…{}</a>', css, url, user_id, str(user_id)[-12:])
