"""Failures of OAuth endpoints: the envelope with the members that OAuth clients read (RFC 6749 §5.2)."""

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
    """Return `error` and `error_description`, which must be ASCII (RFC 6749 §5.2) and so is always English."""
    with translation.override(settings.LANGUAGE_CODE):
        return {"error": _CODES.get(error.status, "invalid_request"), "error_description": str(error.message)}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """For a view's `get_exception_handler`."""
    response, api_error = exception_handler.handle(error, context), exception_handler.as_api_error(error)
    if response is not None and api_error is not None:
        response.data |= members(api_error)
    return response
