"""The guard of sensitive operations: `Operation(guard=recent_proof.ALWAYS)` both documents and enforces it.

An operation that takes the user's password, or needs a proof only for some changes, has the guard BY_SERVICE, and its service
calls `accounts.services.recent_proof.confirm` or `require_recent`.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.conf import settings
from rest_framework.request import Request

from accounts.exceptions import ReauthenticationRequired
from accounts.services import recent_proof
from core.openapi.operation import Guard
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.authentication_context import AssuranceLevel

_ERRORS = (ReauthenticationRequired(max_age=settings.REAUTHENTICATION_MAX_AGE, acr=AssuranceLevel.AAL2),)


def when(condition: Callable[[Mapping[str, Any]], bool]) -> Guard:
    """Return a guard for requests whose body, which is not validated yet, meets the condition."""

    def check(request: Request) -> None:
        if condition(cast("Mapping[str, Any]", request.data)):  # the parser accepts only objects
            recent_proof.require_recent(current_principal(request))

    return Guard(errors=_ERRORS, check=check)


ALWAYS = when(lambda _body: True)
BY_SERVICE = Guard(errors=_ERRORS)
