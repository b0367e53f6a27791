"""`/metrics`: what all web processes counted together, for Prometheus and for nobody else."""

import ipaddress
import time
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils.crypto import constant_time_compare
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from core.http.client_ip import peer_is_trusted
from core.http.request_context import PEER
from core.http.safe_methods import read_only
from core.observability import access_log, health_checks, heartbeat, metrics, multiprocess_metrics

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FRESH_SECONDS = 5.0
# Whatever a proxy may have added: with one in between, nobody knows by the address who asks.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")


@read_only
def scrape(request: HttpRequest) -> HttpResponse:
    """METRICS_TOKEN opens it where there is one; else an address of METRICS_ALLOWED that asks directly."""
    if settings.METRICS_TOKEN and not _bears_token(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    if not settings.METRICS_TOKEN and not _is_allowed(request):
        return HttpResponse(status=404)
    return HttpResponse(exposition(), content_type=_CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _bears_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(token, settings.METRICS_TOKEN)


def _is_allowed(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED) or not _is_asked_by_our_name(request):
        return False
    peer = request.META.get(PEER) or request.META.get("REMOTE_ADDR", "")
    return peer_is_trusted(peer, settings.METRICS_ALLOWED)


def _is_asked_by_our_name(request: HttpRequest) -> bool:
    """One of ALLOWED_HOSTS, or an address: a browser on this machine can be led here by a name of somebody else's alone."""
    try:
        request.get_host()
    except DisallowedHost:
        return _is_address(split_domain_port(request.META.get("HTTP_HOST", ""))[0].strip("[]"))
    return True


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def exposition() -> bytes:
    """Of all processes that share the folder, the dead ones' counters included; of this one alone where there is none."""
    access_log.flush()
    folder = multiprocess_metrics.folder()
    if folder is None:
        return generate_latest(metrics.REGISTRY) + generate_latest(_at_scrape)
    multiprocess_metrics.drop_gauges_of_the_dead(folder)
    shared = CollectorRegistry()
    MultiProcessCollector(shared, path=str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(shared) + generate_latest(_at_scrape)


class _AtScrape(Collector):
    """Asked at most every few seconds, however many ask."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}
        self._known_until = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if time.monotonic() > self._known_until:
            self._known, self._known_until = _figures(), time.monotonic() + _FRESH_SECONDS
        for name, value in self._known.items():
            yield GaugeMetricFamily(name, metrics.AT_SCRAPE[name], value=value)

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def forget(self) -> None:
        self._known_until = 0.0


def _figures() -> dict[str, float]:
    database, age = health_checks.database(), heartbeat.age()
    found: dict[str, float | None] = {
        "database_up": int(database.state == "ok"),
        "migrations_pending": database.pending,
    }
    if database.queue is not None:
        found |= {
            "outbox_waiting": database.queue.waiting,
            "outbox_oldest_seconds": database.queue.oldest_seconds,
            "outbox_overdue_seconds": database.queue.overdue_seconds,
            "outbox_failed": database.queue.failed,
        }
    found |= {"worker_heartbeat_seconds": age, "cleanup_age_seconds": heartbeat.cleanup_age()}
    return {f"vestibule_{name}": value for name, value in found.items() if value is not None}


figures = _AtScrape()
_at_scrape = CollectorRegistry()
_at_scrape.register(figures)
