"""Keeps the contract's form where REST framework is not reached: routing, hosts, limits of Django, debug pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core.api.exceptions import BadRequest, Overloaded, for_status
from core.api.responses import plain_failure
from core.http.wsgi_bridge import INCOMPLETE_BODY

# Whatever is under /api/auth is for one caller alone.
NOT_STORED = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language, Authorization, Cookie, Origin"}

Handler = Callable[[HttpRequest], HttpResponse]


class ApiErrorMiddleware:
    """Any failure below /api that is not JSON yet becomes the envelope; answers there are not to be stored."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith("/api"):
            return response
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith("application/json"):
            response = _in_the_envelope(response)
        if request.path_info.startswith("/api/auth"):
            response.headers.setdefault("Cache-Control", NOT_STORED["Cache-Control"])
            response.headers["Vary"] = NOT_STORED["Vary"]
        return response

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page of the admin that cannot be made for the moment says so; below /api REST framework has made an answer of it."""
        if not isinstance(error, Overloaded):
            return None
        return HttpResponse(
            str(error.message), status=error.status, headers=error.headers, content_type="text/plain; charset=utf-8"
        )


def _in_the_envelope(answer: HttpResponse) -> HttpResponse:
    failure = plain_failure(for_status(answer.status_code))
    if "Allow" in answer.headers:
        failure.headers["Allow"] = answer.headers["Allow"]
    return failure


class IncompleteBodyMiddleware:
    """Refuses a request whose body ended early or has malformed chunks, in the language of the client."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return plain_failure(BadRequest()) if INCOMPLETE_BODY in request.META else self.get_response(request)
