"""Failures of the endpoints that OAuth defines: the envelope, and in it the members that OAuth clients read (RFC 6749 §5.2)."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils import translation
from rest_framework.response import Response

from core.api import exception_handler
from core.api.exceptions import ApiError

_CODES = {
    HTTPStatus.UNAUTHORIZED: "invalid_client",
    HTTPStatus.TOO_MANY_REQUESTS: "temporarily_unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE: "temporarily_unavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}


def members(error: ApiError) -> dict[str, str]:
    """The description is for developers, and ASCII: in the project's own language, whatever the client's."""
    with translation.override(settings.LANGUAGE_CODE):
        return {"error": _CODES.get(error.status, "invalid_request"), "error_description": str(error.message)}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """For a view's `get_exception_handler`."""
    response, known = exception_handler.handle(error, context), exception_handler.as_api_error(error)
    if response is not None and known is not None:
        response.data |= members(known)
    return response
