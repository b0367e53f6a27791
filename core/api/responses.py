"""The envelope of every response below /api."""

from collections.abc import Iterable, Mapping
from http.cookies import Morsel
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils.functional import Promise
from rest_framework.response import Response

from core.api.exceptions import ApiError


def success(
    data: Mapping[str, Any] | None = None, *, message: str | Promise | None = None, status: int = 200
) -> Response:
    body: dict[str, Any] = {"success": True}
    if message is not None:
        body["message"] = str(message)
    if data is not None:
        body["data"] = data
    return Response(body, status=status)


def failure_body(error: ApiError) -> dict[str, Any]:
    body: dict[str, Any] = {"success": False, "message": str(error.message), "code": error.code}
    if error.errors:
        body["errors"] = {field: [str(text) for text in texts] for field, texts in error.errors.items()}
    return body


def plain_failure(error: ApiError) -> JsonResponse:
    """Return the failure outside of REST framework, for middleware and routing errors."""
    response = JsonResponse(failure_body(error), status=error.status, headers=error.headers)
    add_cookies(response, error.cookies)
    return response


def add_cookies(response: HttpResponse, cookies: Iterable[Morsel[str]]) -> None:
    """Add them under a key of name and domain: a response may set a cookie of one name on two domains."""
    for cookie in cookies:
        response.cookies[f"{cookie.key};{cookie['domain']}"] = cookie
