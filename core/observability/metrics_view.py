"""`/metrics`: the metrics of all web processes together, for Prometheus alone."""

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
from core.http.safe_methods import safe_methods_only
from core.metrics import multiprocess
from core.metrics.registry import REGISTRY
from core.observability import access_log, health_checks, heartbeat
from core.observability.database_reports import DATABASE_REPORTS

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CACHE_SECONDS = 5.0
# Headers that a proxy adds: behind one, the IP of the peer does not identify the client.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")


@safe_methods_only
def scrape(request: HttpRequest) -> HttpResponse:
    """Requires METRICS_TOKEN if it is set; else a direct request from an IP of METRICS_ALLOWED."""
    if settings.METRICS_TOKEN and not _has_valid_token(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    if not settings.METRICS_TOKEN and not _is_allowed(request):
        return HttpResponse(status=404)
    return HttpResponse(render(), content_type=_CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _has_valid_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(token, settings.METRICS_TOKEN)


def _is_allowed(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED) or not _has_own_host(request):
        return False
    peer = request.META.get(PEER) or request.META.get("REMOTE_ADDR", "")
    return peer_is_trusted(peer, settings.METRICS_ALLOWED)


def _has_own_host(request: HttpRequest) -> bool:
    """Accept ALLOWED_HOSTS and IPs. DNS rebinding can lead a local browser here only under another host name."""
    try:
        request.get_host()
    except DisallowedHost:
        return _is_ip(split_domain_port(request.META.get("HTTP_HOST", ""))[0].strip("[]"))
    return True


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def render() -> bytes:
    """Return the metrics of all processes that share the directory, counters of dead ones included; else of this process."""
    access_log.flush()
    directory = multiprocess.current_dir()
    if directory is None:
        return generate_latest(REGISTRY) + generate_latest(_collected_at_scrape)
    multiprocess.prune_dead_gauges(directory)
    shared = CollectorRegistry()
    MultiProcessCollector(shared, path=str(directory))  # type: ignore[no-untyped-call]
    return generate_latest(shared) + generate_latest(_collected_at_scrape)


_DESCRIPTIONS = {
    "vestibule_database_up": "1 if the database responds and accepts writes.",
    "vestibule_migrations_pending": "Migrations of this code that the database does not have yet.",
    "vestibule_worker_heartbeat_seconds": "Since the worker's last sweep; absent if unknown.",
    "vestibule_cleanup_age_seconds": "Since the last cleanup that finished; absent if unknown.",
}


def scrape_descriptions() -> dict[str, str]:
    """Return the metrics that are read at each scrape, because they describe the whole deployment, with their help texts."""
    descriptions = dict(_DESCRIPTIONS)
    for report in DATABASE_REPORTS:
        descriptions |= report.metric_descriptions
    return descriptions


class _ScrapeCollector(Collector):
    """Reads the dependencies at most once every few seconds, however many scrapes there are."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._expires_at = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if time.monotonic() > self._expires_at:
            self._values, self._expires_at = _read_values(), time.monotonic() + _CACHE_SECONDS
        descriptions = scrape_descriptions()
        for name, value in self._values.items():
            yield GaugeMetricFamily(name, descriptions[name], value=value)

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def reset(self) -> None:
        self._expires_at = 0.0


def _read_values() -> dict[str, float]:
    database = health_checks.database()
    values: dict[str, float | None] = {
        "vestibule_database_up": int(database.state == "ok"),
        "vestibule_migrations_pending": database.pending,
    }
    for reading in database.reports.values():
        values |= reading.metrics
    values["vestibule_worker_heartbeat_seconds"] = heartbeat.age()
    values["vestibule_cleanup_age_seconds"] = heartbeat.cleanup_age()
    return {name: value for name, value in values.items() if value is not None}


scrape_collector = _ScrapeCollector()
_collected_at_scrape = CollectorRegistry()
_collected_at_scrape.register(scrape_collector)
