"""The error responses of an operation in the OpenAPI document, generated from the error classes so that they cannot drift."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.views import APIView

from core.api import exceptions, oauth
from core.api.exceptions import ApiError
from core.api.origin import SAFE_METHODS
from core.api.responses import failure_body
from core.openapi.operation import Operation, Shape

_HEADERS = {
    "WWW-Authenticate": ("How to authenticate (RFC 6750).", {"type": "string"}),
    "Retry-After": ("Seconds to wait before the next attempt.", {"type": "integer", "minimum": 0}),
}
_PLAIN = ("", {"type": "string"})
Members = Callable[[ApiError], dict[str, str]]


def is_protected(view: APIView) -> bool:
    return not any(permission is AllowAny for permission in view.permission_classes)


def is_limited(view: APIView, method: str, operation: Operation) -> bool:
    """Return whether the operation has its own limits, or the write limit of signed-in users applies."""
    return operation.is_limited or (is_protected(view) and method not in SAFE_METHODS)


def failures(view: APIView, method: str, operation: Operation) -> dict[str, Any]:
    """Return the response objects of all errors, by status."""
    unique = {(error.status, error.code): error for error in map(_instance, _all_errors(view, method, operation))}
    by_status = sorted(unique.values(), key=lambda error: error.status)
    return {
        str(int(status)): _response(status, list(errors), is_oauth=operation.is_oauth)
        for status, errors in groupby(by_status, lambda e: e.status)
    }


def _all_errors(view: APIView, method: str, operation: Operation) -> Iterator[ApiError | type[ApiError]]:
    """Yield the operation's own errors last, so that they replace general errors with the same code."""
    yield from (exceptions.BadRequest, exceptions.ServerError, exceptions.ServiceUnavailable)
    if operation.query is not None:
        yield _invalid(operation.query, _("Not a valid value."))
    if operation.request is not None:
        yield _invalid(operation.request, _("This field is required."))
        yield from (exceptions.ParseFailed, exceptions.PayloadTooLarge, exceptions.UnsupportedMediaType)
    if is_protected(view):
        yield from _authentication_errors(view, method)
    if is_limited(view, method, operation):
        yield exceptions.RateLimited(retry_after=60)
    if operation.guard is not None:
        yield from operation.guard.errors
    yield from operation.errors


def _invalid(form: Shape, text: str) -> ApiError:
    return exceptions.ValidationFailed(errors={str(next(iter(form().fields))): [text]})


def _authentication_errors(view: APIView, method: str) -> Iterator[type[ApiError]]:
    yield from (
        exceptions.AuthenticationRequired,
        exceptions.TokenInvalid,
        exceptions.TokenExpired,
        exceptions.SessionRevoked,
    )
    if method not in SAFE_METHODS:
        yield exceptions.OriginNotAllowed
    if any(permission is not IsAuthenticated for permission in view.permission_classes):
        yield exceptions.PermissionDenied
    for permission in view.permission_classes:
        yield from getattr(permission, "errors", ())


def _instance(error: ApiError | type[ApiError]) -> ApiError:
    return error() if isinstance(error, type) else error


def _response(status: HTTPStatus, errors: list[ApiError], *, is_oauth: bool) -> dict[str, Any]:
    members = oauth.members if is_oauth else _no_members
    response = {
        "description": f"{status.phrase}: {', '.join(f'`{error.code}`' for error in errors)}",
        "content": {
            "application/json": {
                "schema": _failure_schema(errors, members),
                "examples": {
                    error.code: {"summary": str(error.message), "value": failure_body(error) | members(error)}
                    for error in errors
                },
            }
        },
    }
    headers = _headers(errors)
    return response | ({"headers": headers} if headers else {})


def _failure_schema(errors: list[ApiError], members: Members) -> dict[str, Any]:
    properties: dict[str, Any] = {"code": {"type": "string", "enum": [error.code for error in errors]}}
    properties |= {name: {"type": "string"} for name in members(errors[0])}
    return {"allOf": [{"$ref": "#/components/schemas/Failure"}, {"type": "object", "properties": properties}]}


def _no_members(error: ApiError) -> dict[str, str]:
    return {}


def _headers(errors: list[ApiError]) -> dict[str, Any]:
    """Return the headers of the errors. A header is required if all errors have it."""
    names = dict.fromkeys(name for error in errors for name in error.headers)
    return {
        name: {
            "description": _HEADERS.get(name, _PLAIN)[0],
            "required": all(name in error.headers for error in errors),
            "schema": _HEADERS.get(name, _PLAIN)[1],
            "example": next(error.headers[name] for error in errors if name in error.headers),
        }
        for name in names
    }
