"""Base classes and helpers of the model admins: lists that stay fast with millions of rows, and who is signed in."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.contrib.admin.options import BaseModelAdmin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise, cached_property
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from accounts.models import Role, User
from accounts.services.administration import policy

MAX_COUNTED = 10_000
MAX_SORTED = 1_000

F = TypeVar("F", bound=Callable[..., Any])


def admin_id(request: HttpRequest) -> uuid.UUID:
    """Return the id of the signed-in user: no page of the admin opens to anonymous requests."""
    return uuid.UUID(str(request.user.pk))


def is_own(request: HttpRequest, user_id: object) -> bool:
    """Compare as Django parses an id in a URL: uppercase, without hyphens or as a URN, it is the same user."""
    try:
        return uuid.UUID(str(user_id)) == request.user.pk
    except ValueError:
        return False


def is_superuser(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_superuser


def is_administrator(request: HttpRequest) -> bool:
    """Use the API's rule: Django's permissions alone do not allow actions on other accounts."""
    return request.user.is_authenticated and request.user.role == Role.ADMIN


def is_outranked(request: HttpRequest, user: User | None) -> bool:
    """Return whether the user on the page outranks the user of the admin, by the rule of the API."""
    return user is not None and isinstance(request.user, User) and policy.outranks(user, request.user)


def column(
    *, description: str | Promise, ordering: str | None = None, label: Mapping[str, str] | None = None
) -> Callable[[F], F]:
    """Do what `unfold.decorators.display` does, with types.

    With `label`, the column returns a pair: a key of `label` for the colour, and the text.
    """

    def decorate(function: F) -> F:
        attributes: dict[str, Any] = {"short_description": description, "admin_order_field": ordering, "label": label}
        for name, value in attributes.items():
            if value is not None:
                setattr(function, name, value)
        return function

    return decorate


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Stop counting at MAX_COUNTED: to count millions of rows would take longer than the rest of the page."""

    template_name = "admin/pages.html"

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MAX_COUNTED].count())

    @property
    def is_bounded(self) -> bool:
        return self.count == MAX_COUNTED


class BoundedChangeList(ChangeList):  # type: ignore[misc]
    """Sort at most MAX_SORTED search results: to sort half of a large table would take too long."""

    is_truncated = False

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """Take the newest results before sorting by another column than the list's own order."""
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        default_order, requested_order = self.model_admin.ordering[0], str(rows.query.order_by[0])
        if not rows.query.where or requested_order.lstrip("-") == default_order.lstrip("-"):
            return rows
        newest = list(rows.order_by(default_order).select_related(None).values_list("pk", flat=True)[: MAX_SORTED + 1])
        self.is_truncated = len(newest) > MAX_SORTED
        ordered: QuerySet[Any] = self.apply_select_related(self.root_queryset.filter(pk__in=newest[:MAX_SORTED]))
        return ordered.order_by(*rows.query.order_by)

    def get_results(self, request: HttpRequest) -> None:
        """Show no total above the list if there is no filter, or if the total is not known exactly."""
        super().get_results(request)
        self.is_truncated |= self.paginator.is_bounded
        if self.is_truncated or not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count


class LargeTableAdmin(ModelAdmin):  # type: ignore[misc]
    """Model admin of a large table. `sortable_by` lists only indexed columns; an action applies to one page of rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 25
    list_max_show_all = 0
    list_disable_select_all = True
    list_filter_sheet = False
    list_fullwidth = True
    compressed_fields = True

    def require_recent_proof(self, request: HttpRequest) -> None:
        """Interrupt the request by the page "Confirm that it's you", unless the session has a recent proof.

        Views in `self_guarded_views` call this; the site does it for all others that change something.
        """
        site: Any = self.admin_site
        site.require_recent_proof(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only the declared filters: arbitrary lookups in the URL would reveal a hidden column bit by bit."""
        filters = {getattr(entry, "parameter_name", entry) for entry in self.get_list_filter(request)}
        return lookup.split("__", maxsplit=1)[0] in filters and super().lookup_allowed(lookup, value, request)


class ReadOnlyMixin(BaseModelAdmin):  # type: ignore[type-arg]
    """Put it before LargeTableAdmin in the bases."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NoAdminLogMixin:
    """Write nothing to Django's admin log, which would keep names of deleted accounts: the audit has the history, by id.

    Put it before ModelAdmin in the bases.
    """

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return None
