"""Every metric by its name, and the calls that count. docs/monitoring.md says what each of them means.

A series never bears anything that a client wrote, and nothing of anybody: routes are templates, reasons are our own words.
"""

import functools
from bisect import bisect_left
from collections import Counter as TallyOf
from collections import defaultdict, deque
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from core.observability import multiprocess_metrics

multiprocess_metrics.settle()
REGISTRY = CollectorRegistry(auto_describe=True)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"vestibule_{name}", meaning, labels, registry=REGISTRY)


HTTP_REQUESTS = _counter("http_requests", "Requests answered.", "route", "method", "status")
HTTP_SECONDS = Histogram(
    "vestibule_http_request_duration_seconds",
    "From the whole request having arrived to its answer, waiting for a place included.",
    ("route", "method"),
    buckets=_BUCKETS,
    registry=REGISTRY,
)
LOGINS = _counter("logins", "Sign-ins by their result: ok, or why not.", "result")
REFRESHES = _counter("refreshes", "Refreshes by their result: ok, or the code of the refusal.", "result")
REFRESH_REUSE = _counter("refresh_reuse", "Retired refresh tokens presented again: each ended its session.")
SESSIONS_REVOKED = _counter("sessions_revoked", "Sessions ended before their time, by reason.", "reason")
RATE_LIMITED = _counter("rate_limited", "What a rate limit refused, by limit.", "limit")
AUDIT_EVENTS = _counter("audit_events", "Events written to the audit, by kind.", "kind")
PRINCIPAL_CACHE = _counter("principal_cache", "Who is behind a session, asked of Redis: hit, miss or away.", "result")
EMAILS = _counter("emails", "Tries to send an email: sent, put_off, failed or dropped.", "result")
BREAKER_OPEN = Gauge(
    "vestibule_redis_breaker_open",
    "1 while a process keeps away from Redis.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
HASHES_RUNNING = Gauge(
    "vestibule_hashes_running",
    "Password hashes being computed, each on one core.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
HASHES_WAITING = Gauge(
    "vestibule_hashes_waiting",
    "Requests that wait until their password may be hashed.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
HASHES_REFUSED = _counter("hashes_refused", "Requests turned away since too many wait for a hash.")

# What is true of the whole deployment, and asked when somebody wants to know; see core.observability.metrics_view.
AT_SCRAPE = {
    "vestibule_database_up": "1 where the database answers and takes writes.",
    "vestibule_migrations_pending": "Migrations of this code that the database has not seen.",
    "vestibule_outbox_waiting": "Emails that wait to be sent, counted to 10000.",
    "vestibule_outbox_oldest_seconds": "Since when the oldest of them waits.",
    "vestibule_outbox_overdue_seconds": "For how long one has been due and nobody took it on.",
    "vestibule_outbox_failed": "Emails given up, counted to 10000.",
    "vestibule_worker_heartbeat_seconds": "Since the worker's last sweep; absent where nobody knows.",
    "vestibule_cleanup_age_seconds": "Since the last cleanup that finished; absent if unknown.",
}

_hit, _miss, _away = (PRINCIPAL_CACHE.labels(result) for result in ("hit", "miss", "away"))
count_cache_miss, count_cache_away = _miss.inc, _away.inc
_hits: deque[None] = deque(maxlen=1_000_000)  # who never answers a request never writes them
# The one count of the hottest path, where the lock of the series would be a tenth of all.
count_cache_hit = functools.partial(_hits.append, None)


def write_cache_hits() -> None:
    """Those that were counted since the last time, which needs no lock."""
    number = len(_hits)
    for _ in range(number):
        _hits.popleft()
    if number:
        _hit.inc(number)


def count_requests(answered: Iterable[tuple[str, str, int, float]]) -> None:
    """Route, method, status and seconds of each. Added up first: a series is written once, however many requests it counts."""
    answers: TallyOf[tuple[str, str, int]] = TallyOf()
    buckets: TallyOf[tuple[str, str, int]] = TallyOf()
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for route, method, status, took in answered:
        answers[route, method, status] += 1
        buckets[route, method, bisect_left(_BUCKETS, took)] += 1
        seconds[route, method] += took
    for (route, method, status), number in answers.items():
        HTTP_REQUESTS.labels(route, method, str(status)).inc(number)
    for (route, method), sum_of in seconds.items():
        HTTP_SECONDS.labels(route, method)._sum.inc(sum_of)  # noqa: SLF001 - see the docstring; `observe` takes one at a time
    for (route, method, place), number in buckets.items():
        HTTP_SECONDS.labels(route, method)._buckets[place].inc(number)  # noqa: SLF001 - likewise


def known_method(method: str | None) -> str:
    """Anybody may invent a method; a series of its own it does not get."""
    return method if method in _METHODS else "OTHER"
