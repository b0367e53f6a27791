"""Middleware that gives every failure the API's form: of routing, of hosts, of Django's limits, of debug pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core.api.exceptions import BadRequest, Overloaded, for_status
from core.api.responses import plain_failure
from core.http.wsgi_bridge import INCOMPLETE_BODY

# Each response below /api/auth is for one caller alone.
NO_STORE_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language, Authorization, Cookie, Origin"}

Handler = Callable[[HttpRequest], HttpResponse]


class ApiErrorMiddleware:
    """Put a failure that is not JSON yet into the envelope, and let no cache store a response below /api/auth."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith("application/json"):
            response = _enveloped(response)
        if request.path_info.startswith("/api/auth"):
            response.headers.setdefault("Cache-Control", NO_STORE_HEADERS["Cache-Control"])
            response.headers["Vary"] = NO_STORE_HEADERS["Vary"]
        return response


def _enveloped(response: HttpResponse) -> HttpResponse:
    failure = plain_failure(for_status(response.status_code))
    if "Allow" in response.headers:
        failure.headers["Allow"] = response.headers["Allow"]
    return failure


class OverloadedPageMiddleware:
    """Answer 503 with `Retry-After` for a page of the admin that raises Overloaded. Below /api, REST framework does this."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Overloaded):
            return None
        return HttpResponse(
            str(error.message), status=error.status, headers=error.headers, content_type="text/plain; charset=utf-8"
        )


class IncompleteBodyMiddleware:
    """Reject a request whose body ended early or has malformed chunks, in the language of the client."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return plain_failure(BadRequest()) if INCOMPLETE_BODY in request.META else self.get_response(request)
