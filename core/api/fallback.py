"""Error responses for requests that no view handled: the API's JSON, for other paths too."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from core.api.exceptions import ServiceUnavailable, for_status
from core.api.responses import plain_failure


def not_found(request: HttpRequest, path: str | None = None, exception: Exception | None = None) -> HttpResponse:
    return plain_failure(for_status(HTTPStatus.NOT_FOUND))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return plain_failure(for_status(HTTPStatus.BAD_REQUEST))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return plain_failure(for_status(HTTPStatus.FORBIDDEN))


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 503 if the database is unavailable: for the admin, the pages and the middleware, too."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        return plain_failure(ServiceUnavailable())
    return plain_failure(for_status(HTTPStatus.INTERNAL_SERVER_ERROR))
