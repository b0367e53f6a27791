"""Logs and counts each request that Django serves (the fast path logs its own); lets health checks use any host."""

import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware import common

from core.http.request_context import request_id
from core.http.route_templates import route_template
from core.observability import access_log
from core.observability.access_log_format import AccessRecord
from core.observability.http_metrics import known_method
from core.observability.request_identity import identity_of

REQUEST_STARTED = (
    "vestibule.request_started"  # in the WSGI environ: time.perf_counter() when the whole request had arrived
)
UNMATCHED = "unmatched"


class AccessLogMiddleware:
    """Runs second, after RequestIdMiddleware, so that it sees the response as the client does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = request.META.get(REQUEST_STARTED) or time.perf_counter()
        response = self.get_response(request)
        access_log.record(
            AccessRecord(
                ended_at=time.time(),
                request_id=request_id(request),
                method=known_method(request.method),
                route=route_of(request),
                status=response.status_code,
                seconds=time.perf_counter() - started,
                identity=identity_of(request),
            )
        )
        return response


class CommonMiddleware(common.CommonMiddleware):
    """Rejects hosts outside ALLOWED_HOSTS, except for health checks: load balancers send the IP of a machine."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in access_log.UNLOGGED_PATHS else super().process_request(request)


def route_of(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is not None:
        return _cached_template(match.route)
    return settings.STATIC_URL if request.path_info.startswith(settings.STATIC_URL) else UNMATCHED


@cache
def _cached_template(route: str) -> str:
    """The cache has one entry per route of the project. The catch-all route counts as unmatched."""
    return route_template(route) or UNMATCHED
