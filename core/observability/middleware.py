"""Logs and counts each request that Django serves (the fast path does it for the others); lets health checks use any host."""

import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware import common

from core.http.request_context import request_id
from core.observability import access_log
from core.observability.access_log_format import Answered
from core.observability.metrics import known_method
from core.observability.request_identity import who
from core.rejected_requests.records import template_of

ARRIVED = "vestibule.arrived"  # in the environ: when the whole request had come in, by time.perf_counter
UNMATCHED = "unmatched"


class WatchMiddleware:
    """Stands second, behind the request's id, so that it sees the answer as the client does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = request.META.get(ARRIVED) or time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - started
        asked = request_id(request), known_method(request.method), route_of(request)
        access_log.note(Answered(time.time(), *asked, response.status_code, seconds, who(request)))
        return response


class CommonMiddleware(common.CommonMiddleware):
    """Refuses names that are none of ALLOWED_HOSTS. A balancer or supervisor, though, asks by the address that a machine has."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in access_log.UNLOGGED else super().process_request(request)


def route_of(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is not None:
        return _template(match.route)
    return settings.STATIC_URL if request.path_info.startswith(settings.STATIC_URL) else UNMATCHED


@cache
def _template(route: str) -> str:
    """There are as many as the project has routes. The one that catches what no other takes is no route."""
    return template_of(route) or UNMATCHED
