"""Requirements that proxies (`forward-auth?acr=&max_age=`) and views (`permissions.requires`) set for a session (RFC 9470).

The sensitive operations of this service have the stricter rule of `accounts.services.recent_proof` instead.
"""

import functools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from accounts.api.serializers.requirements import RequirementQuery
from accounts.exceptions import ReauthenticationRequired
from core.api.exception_handler import flatten
from core.api.exceptions import ValidationFailed
from core.api.validation import validated_parameters
from sessions_tracking.authentication_context import AssuranceLevel
from sessions_tracking.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """None requires nothing. Raises ValueError for an unknown level and for a negative age."""

    acr: str | None = None
    max_age: timedelta | None = None

    def __post_init__(self) -> None:
        if self.acr is not None and self.acr not in set(AssuranceLevel):
            raise ValueError(f"unknown acr: {self.acr!r}")
        if self.max_age is not None and self.max_age < timedelta(0):  # TypeError for any other type
            raise ValueError(f"negative max_age: {self.max_age}")

    def enforce(self, principal: Principal) -> None:
        """Raise ReauthenticationRequired, which names the requirement, unless the principal's session meets it."""
        if not principal.context.meets(acr=self.acr, max_age=self.max_age):
            raise ReauthenticationRequired(acr=self.acr, max_age=self.max_age)


_NONE = Requirement()


def requested(request: HttpRequest) -> Requirement:
    """Return the requirement of the query. Raises ValidationFailed for invalid values."""
    query = request.META.get("QUERY_STRING")
    return _parse(query) if query else _NONE


@functools.lru_cache(maxsize=256)
def _parse(query: str) -> Requirement:
    """Cache the few queries that proxies send. Exceptions are not cached."""
    values = _validated(query)
    max_age = timedelta(seconds=values["max_age"]) if "max_age" in values else None
    return Requirement(acr=values.get("acr"), max_age=max_age)


def _validated(query: str) -> dict[str, Any]:
    """Raise errors that are translated when the response is made: the fast path knows no language."""
    try:
        return validated_parameters(RequirementQuery, QueryDict(query))
    except ValidationError as error:
        raise ValidationFailed(errors={field: [_("Not a valid value.")] for field in flatten(error.detail)}) from error
