"""For rows whose history the audit keeps, by id: Django's own log would keep people's names after their accounts are gone."""

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest


class Unlogged:
    """Goes in front of ModelAdmin."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return None
