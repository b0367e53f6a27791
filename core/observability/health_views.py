"""Whether the process lives, and whether what it stands on is there."""

from http import HTTPStatus

from django.http import HttpRequest, JsonResponse

from core.http.safe_methods import read_only
from core.observability import health_checks, heartbeat
from core.observability.health_checks import Database
from core.observability.outbox import OVERDUE_SECONDS
from core.redis.client import breaker


@read_only
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; says nothing of anything else, so that a sick database restarts no web process."""
    return JsonResponse({"status": "ok"})


@read_only
def readyz(request: HttpRequest) -> JsonResponse:
    """503 where requests cannot be served: without the database, before it is migrated, or while it takes no writes.

    Anything else is degraded, not unready: the API answers without Redis, broker and worker. Names no host and no version.
    """
    database, redis = health_checks.database(), health_checks.redis()
    broker, worker = health_checks.broker(redis), heartbeat.state(heartbeat.age())
    is_ready = database.pending == 0 and not database.is_read_only
    is_well = redis == broker == worker == "ok" and not _is_overdue(database)
    body = {
        "status": "unavailable" if not is_ready else "ok" if is_well else "degraded",
        "database": database.state,
        "migrations": {None: "unknown", 0: "ok"}.get(database.pending, "pending"),
        "redis": redis,
        "breaker": "open" if breaker.is_open else "closed",
        "broker": broker,
        "worker": worker,
        "emails": _emails(database),
    }
    return JsonResponse(body, status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


def _emails(database: Database) -> dict[str, int] | None:
    """The oldest waiting email tells of a mail server that is away, an overdue one of the worker."""
    queue = database.queue
    if queue is None:
        return None
    return {
        "waiting": queue.waiting,
        "oldestSeconds": queue.oldest_seconds,
        "overdueSeconds": queue.overdue_seconds,
    }


def _is_overdue(database: Database) -> bool:
    return database.queue is not None and database.queue.overdue_seconds > OVERDUE_SECONDS
