"""The rate limit headers of a response."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from core.http.request_context import current_request
from core.throttling.rates import Limit

_KEY = "vestibule.rate_limits"  # in the WSGI environ, where the fast path and Django's own request share it


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStatus:
    """`seconds` is the time until more requests are allowed than now."""

    limit: Limit
    remaining: int
    seconds: int
    is_exceeded: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The IETF's fields (draft-ietf-httpapi-ratelimit-headers), and those that most clients know."""
        limit = self.limit
        return {
            "RateLimit-Policy": f'"{limit.name}";q={limit.amount};w={limit.seconds}',
            "RateLimit": f'"{limit.name}";r={self.remaining};t={self.seconds}',
            "RateLimit-Limit": str(limit.amount),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.seconds),
        }


def record(statuses: Iterable[LimitStatus]) -> None:
    """Add the statuses to the current request; do nothing outside a request."""
    request = current_request()
    if request is not None:
        request.META[_KEY] = [*_recorded(request), *statuses]


def clear() -> None:
    request = current_request()
    if request is not None:
        request.META[_KEY] = []


def _recorded(request: HttpRequest) -> list[LimitStatus]:
    statuses: list[LimitStatus] = request.META.get(_KEY, [])
    return statuses


def ratelimit_headers(request: HttpRequest) -> dict[str, str]:
    """Return the headers of the most severe limit that the request was counted in; {} if there is none."""
    statuses = _recorded(request)
    return min(statuses, key=_severity).headers if statuses else {}


def _severity(status: LimitStatus) -> tuple[bool, int, int]:
    return not status.is_exceeded, status.remaining, -status.seconds


class RateLimitHeadersMiddleware:
    """Runs outside of the middleware that makes the response, a success or a failure."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in ratelimit_headers(request).items():
            response.headers[name] = value
        return response
