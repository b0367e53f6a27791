"""The audit in Django's admin: to look at, and nothing else."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent
from config.ids import parse_id

_MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """To count millions of rows for the foot of a page would take longer than the page."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:_MOST_COUNTED].count())


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "kind", "user_id", "actor_id", "ip", "device", "facts", "request_id")
    list_filter = ("kind",)
    search_fields = ("user_id", "request_id")
    search_help_text = _("The whole id of a user, or of a request.")
    ordering = ("-created_at",)
    paginator = BoundedPaginator
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """By whole ids alone, which have indexes."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found, user_id = Q(request_id=term), parse_id(term)
        return queryset.filter(found | Q(user_id=user_id) if user_id else found), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False
