"""Turns an exception of a view into a response: the only place that does."""

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
    # The database is unavailable or locked: nothing was changed, and the client may retry.
    (OperationalError, exceptions.ServiceUnavailable),
    (InterfaceError, exceptions.ServiceUnavailable),
)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's EXCEPTION_HANDLER. None lets an unknown exception propagate and become a logged 500."""
    api_error = as_api_error(error)
    if api_error is None:
        return None
    if api_error.status >= 500 and not isinstance(api_error, exceptions.Overloaded):
        logger.error("%s: %s", api_error.code, type(error).__name__, exc_info=error)
    response = Response(failure_body(api_error), status=api_error.status, headers=api_error.headers)
    add_cookies(response, api_error.cookies)
    if isinstance(api_error, exceptions.Overloaded):
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - Django's mark: overload must not fill the log
    return response


def as_api_error(error: BaseException) -> exceptions.ApiError | None:
    if isinstance(error, exceptions.ApiError):
        return error
    if isinstance(error, rest.ValidationError):
        return exceptions.ValidationFailed(errors=flatten(error.detail))
    if isinstance(error, rest.Throttled):
        return exceptions.RateLimited(retry_after=max(1, round(getattr(error, "wait", None) or 1)))
    return next((api_class() for framework_class, api_class in _TRANSLATED if isinstance(error, framework_class)), None)


def flatten(detail: Any) -> dict[str, list[str]]:
    """Return nested serializer errors as one list per field; nested fields get dotted names."""
    errors: dict[str, list[str]] = {}
    for path, text in _leaves(detail, ""):
        errors.setdefault(path or "nonFieldErrors", []).append(text)
    return errors


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
    """Replace lone surrogates, which cannot be sent: some messages of REST framework quote the value."""
    return text.encode(errors="replace").decode()
