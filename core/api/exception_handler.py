"""The one place where an exception of a view becomes an answer."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as rest
from rest_framework.response import Response

from core.api import exceptions
from core.api.responses import add_cookies, failure_body

logger = logging.getLogger(__name__)

_TRANSLATED: tuple[tuple[type[Exception], type[exceptions.ApiError]], ...] = (
    (Http404, exceptions.NotFound),
    (rest.NotFound, exceptions.NotFound),
    (rest.MethodNotAllowed, exceptions.MethodNotAllowed),
    (rest.UnsupportedMediaType, exceptions.UnsupportedMediaType),
    (rest.ParseError, exceptions.ParseFailed),
    (rest.NotAuthenticated, exceptions.AuthenticationRequired),
    (rest.AuthenticationFailed, exceptions.TokenInvalid),
    (rest.PermissionDenied, exceptions.PermissionDenied),
    (DjangoPermissionDenied, exceptions.PermissionDenied),
    (RequestDataTooBig, exceptions.PayloadTooLarge),
    (TooManyFieldsSent, exceptions.BadRequest),
    (SuspiciousOperation, exceptions.BadRequest),
    # The database is away or locked: nothing was done, and the client may come again.
    (OperationalError, exceptions.ServiceUnavailable),
    (InterfaceError, exceptions.ServiceUnavailable),
)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's EXCEPTION_HANDLER; None (an unknown fault) lets it propagate and become a logged 500."""
    known = as_api_error(error)
    if known is None:
        return None
    if known.status >= 500 and not isinstance(known, exceptions.Overloaded):
        logger.error("%s: %s", known.code, type(error).__name__, exc_info=error)
    response = Response(failure_body(known), status=known.status, headers=known.headers)
    add_cookies(response, known.cookies)
    if isinstance(known, exceptions.Overloaded):
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - Django's mark: a storm needs no second line each
    return response


def as_api_error(error: BaseException) -> exceptions.ApiError | None:
    if isinstance(error, exceptions.ApiError):
        return error
    if isinstance(error, rest.ValidationError):
        return exceptions.ValidationFailed(errors=flatten(error.detail))
    if isinstance(error, rest.Throttled):
        return exceptions.RateLimited(retry_after=max(1, round(getattr(error, "wait", None) or 1)))
    return next((ours() for theirs, ours in _TRANSLATED if isinstance(error, theirs)), None)


def flatten(detail: Any) -> dict[str, list[str]]:
    """Nested serializer errors as one list a field, inner fields with dotted names."""
    found: dict[str, list[str]] = {}
    for path, text in _leaves(detail, ""):
        found.setdefault(path or "nonFieldErrors", []).append(text)
    return found


def _leaves(detail: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(detail, list):
        for value in detail:
            yield from _leaves(value, path)
    else:
        yield path, _encodable(str(detail))


def _encodable(text: str) -> str:
    """Some messages of REST framework quote the value, and a lone surrogate in it could not be sent."""
    return text.encode(errors="replace").decode()
