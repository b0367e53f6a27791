"""Filters by what is no column of its own."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from sessions_tracking.models import Session

Choices = Sequence[tuple[str, Any]]


class EmailVerifiedFilter(SimpleListFilter):
    title = _("email verified")
    parameter_name = "verified"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        wanted = self.value()
        return queryset.filter(email_verified_at__isnull=wanted == "no") if wanted in {"yes", "no"} else queryset


class SessionStateFilter(SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("active", _("active")), ("revoked", _("ended before its time"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        now, wanted = datetime.now(UTC), self.value()
        if wanted == "active":
            return queryset.filter(revoked_at=None, expires_at__gt=now)
        if wanted == "revoked":
            return queryset.filter(revoked_at__isnull=False)
        return queryset
