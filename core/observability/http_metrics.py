"""Counts responses and their durations by route, method and status."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable

from prometheus_client import Histogram

from core.metrics.registry import REGISTRY, counter

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

HTTP_REQUESTS = counter("http_requests", "Responses sent.", "route", "method", "status")
HTTP_SECONDS = Histogram(
    "vestibule_http_request_duration_seconds",
    "From the arrival of the whole request to its response, the wait for a worker slot included.",
    ("route", "method"),
    buckets=_BUCKETS,
    registry=REGISTRY,
)


def count_requests(responses: Iterable[tuple[str, str, int, float]]) -> None:
    """Count responses given as (route, method, status, seconds). Sums them first, so that each series is written once."""
    counts: Counter[tuple[str, str, int]] = Counter()
    buckets: Counter[tuple[str, str, int]] = Counter()
    total_seconds: dict[tuple[str, str], float] = defaultdict(float)
    for route, method, status, seconds in responses:
        counts[route, method, status] += 1
        buckets[route, method, bisect_left(_BUCKETS, seconds)] += 1
        total_seconds[route, method] += seconds
    for (route, method, status), count in counts.items():
        HTTP_REQUESTS.labels(route, method, str(status)).inc(count)
    # `observe` takes one duration at a time: docs/decisions/0007-access-log-and-metrics.md.
    for (route, method), seconds in total_seconds.items():
        HTTP_SECONDS.labels(route, method)._sum.inc(seconds)  # noqa: SLF001 - as above
    for (route, method, index), count in buckets.items():
        HTTP_SECONDS.labels(route, method)._buckets[index].inc(count)  # noqa: SLF001 - as above


def known_method(method: str | None) -> str:
    """Return the method, or OTHER: a method that a client invents gets no series."""
    return method if method in _METHODS else "OTHER"
