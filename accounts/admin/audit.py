"""The audit in Django's admin: to look at, and nothing else."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import FastAdmin, ReadOnly
from accounts.admin.display import column
from accounts.admin.search import ids_of_people
from accounts.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, FastAdmin):
    list_display = ("created_at", "what", "whom", "by", "address", "device", "facts_in_short")
    list_filter = ("kind",)
    search_fields = ("user_id", "request_id")
    search_help_text = _("Email or username, from its beginning; or the whole id of a user or a request")
    sortable_by = ("created_at",)
    ordering = ("-created_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Through the indexes of whom it concerns, and of the request."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(request_id=term) | Q(user_id__in=ids_of_people(term))), False

    @column(description=_("event"))
    def what(self, event: AuditEvent) -> str:
        return event.get_kind_display()

    @column(description=_("user"))
    def whom(self, event: AuditEvent) -> str:
        return _link(event.user_id)

    @column(description=_("by"))
    def by(self, event: AuditEvent) -> str:
        return _link(event.actor_id)

    @column(description=_("address"))
    def address(self, event: AuditEvent) -> str | None:
        return event.ip

    @column(description=_("details"))
    def facts_in_short(self, event: AuditEvent) -> str:
        return ", ".join(f"{name}: {value}" for name, value in event.facts.items())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}


def _link(user_id: uuid.UUID | None) -> str:
    """The end of the id, where ids of one time differ: a name would cost a query, and its account may be gone."""
    if user_id is None:
        return ""
    css = "text-primary-600 whitespace-nowrap dark:text-primary-500"
    address = reverse("admin:accounts_user_change", args=[user_id])
    return format_html('<a class="{}" href="{}" title="{}">…{}</a>', css, address, user_id, str(user_id)[-12:])
