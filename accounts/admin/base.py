"""What all lists of the admin share: unfold's looks, and pages that stay fast however many rows there are."""

from typing import Any

from django.contrib.admin.options import BaseModelAdmin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.admin.paging import BoundedChangeList, BoundedPaginator


class FastAdmin(ModelAdmin):  # type: ignore[misc]
    """A list names in `sortable_by` what has an index and so can order it; what is done to many is done to one page of them."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 25
    list_max_show_all = 0
    list_disable_select_all = True
    list_filter_sheet = False
    list_fullwidth = True
    compressed_fields = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """By the filters alone: conditions in the address would tell, letter by letter, what no page shows."""
        filters = {getattr(each, "parameter_name", each) for each in self.get_list_filter(request)}
        return lookup.split("__", maxsplit=1)[0] in filters and super().lookup_allowed(lookup, value, request)


class ReadOnly(BaseModelAdmin):  # type: ignore[type-arg]
    """Goes in front of FastAdmin."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
