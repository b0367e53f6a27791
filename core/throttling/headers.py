"""How a client stands with the limits that its request met, told in the headers of the answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from core.http.request_context import current_request
from core.throttling.rates import Limit

_NOTED = "vestibule.standings"  # in the environ: a request that is refused in front of Django is answered behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`seconds` is how long until there is more room than now."""

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


def note(standings: Iterable[Standing]) -> None:
    """For the answer of the request at work; a command has none."""
    request = current_request()
    if request is not None:
        request.META[_NOTED] = [*_noted(request), *standings]


def forget() -> None:
    request = current_request()
    if request is not None:
        request.META[_NOTED] = []


def _noted(request: HttpRequest) -> list[Standing]:
    found: list[Standing] = request.META.get(_NOTED, [])
    return found


def headers_for(request: HttpRequest) -> dict[str, str]:
    """Of several limits the tightest is told; none where the request met none."""
    noted = _noted(request)
    return min(noted, key=_tightness).headers if noted else {}


def _tightness(standing: Standing) -> tuple[bool, int, int]:
    return not standing.is_exceeded, standing.remaining, -standing.seconds


class RateLimitHeadersMiddleware:
    """Stands outside of whatever makes the answer, a success or a failure."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in headers_for(request).items():
            response.headers[name] = value
        return response
