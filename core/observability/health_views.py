"""/healthz (is the process alive?) and /readyz (can it serve requests?)."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse

from core.http.safe_methods import safe_methods_only
from core.observability import health_checks, heartbeat
from core.observability.database_reports import DATABASE_REPORTS
from core.redis.client import breaker


@safe_methods_only
def healthz(request: HttpRequest) -> JsonResponse:
    """Checks no dependency, so that a database outage restarts no web process."""
    return JsonResponse({"status": "ok"})


@safe_methods_only
def readyz(request: HttpRequest) -> JsonResponse:
    """503 if requests cannot be served: the database does not respond, is not migrated or accepts no writes.

    Anything else is degraded, not unready: the API works without Redis, broker and worker. Names no host and no version.
    """
    database, redis = health_checks.database(), health_checks.redis()
    broker, worker = health_checks.broker(redis), heartbeat.state(heartbeat.age())
    is_ready = database.pending == 0 and not database.is_read_only
    is_healthy = redis == broker == worker == "ok" and not database.is_degraded
    body: dict[str, Any] = {
        "status": "unavailable" if not is_ready else "ok" if is_healthy else "degraded",
        "database": database.state,
        "migrations": {None: "unknown", 0: "ok"}.get(database.pending, "pending"),
        "redis": redis,
        "breaker": "open" if breaker.is_open else "closed",
        "broker": broker,
        "worker": worker,
    }
    body |= {name: reading.details for name, reading in database.reports.items()}
    body |= {report.name: None for report in DATABASE_REPORTS if report.name not in database.reports}
    return JsonResponse(body, status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)
