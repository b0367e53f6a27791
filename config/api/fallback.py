"""Answers where no view was reached: JSON for the API, and the same few words for everybody else."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from config.api.exceptions import for_status
from config.api.responses import plain_failure


def not_found(request: HttpRequest, path: str | None = None, exception: Exception | None = None) -> HttpResponse:
    return plain_failure(for_status(HTTPStatus.NOT_FOUND))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return plain_failure(for_status(HTTPStatus.BAD_REQUEST))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return plain_failure(for_status(HTTPStatus.FORBIDDEN))


def server_error(request: HttpRequest) -> HttpResponse:
    return plain_failure(for_status(HTTPStatus.INTERNAL_SERVER_ERROR))
