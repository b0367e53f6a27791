"""Pages of lists that may hold millions of rows."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

MOST_COUNTED = 10_000
MOST_SORTED = 1_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """To count millions of rows for the foot of a page would take longer than the page. Past the bound one searches."""

    template_name = "admin/pages.html"

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_COUNTED].count())

    @property
    def is_bounded(self) -> bool:
        return self.count == MOST_COUNTED


class BoundedChangeList(ChangeList):  # type: ignore[misc]
    """To sort all that was found, when it may be half of the table, would take longer than the page too."""

    is_cut = False

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """In another order than the list's own, of what was found the first as the list has them, which are the newest."""
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        own, asked = self.model_admin.ordering[0], str(rows.query.order_by[0])
        if not rows.query.where or asked.lstrip("-") == own.lstrip("-"):
            return rows
        newest = list(rows.order_by(own).select_related(None).values_list("pk", flat=True)[: MOST_SORTED + 1])
        self.is_cut = len(newest) > MOST_SORTED
        ordered: QuerySet[Any] = self.apply_select_related(self.root_queryset.filter(pk__in=newest[:MOST_SORTED]))
        return ordered.order_by(*rows.query.order_by)

    def get_results(self, request: HttpRequest) -> None:
        """Where nothing was chosen from, or too much was found to be counted, the head of the page speaks of no number."""
        super().get_results(request)
        self.is_cut |= self.paginator.is_bounded
        if self.is_cut or not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count
