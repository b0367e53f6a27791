"""Whether the process lives, and whether what it stands on is there."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.apps import apps
from django.db import Error as DatabaseAway
from django.http import HttpRequest, JsonResponse

from config.read_only import read_only
from config.redis import RedisAway, RedisRefused, ask, breaker


@read_only
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; says nothing of anything else, so that a sick database restarts no web process."""
    return JsonResponse({"status": "ok"})


@read_only
def readyz(request: HttpRequest) -> JsonResponse:
    """503 without the database. Redis away is degraded, not unready: the API answers without it. Names no host and no version."""
    database, waiting = _database_and_outbox()
    redis = _redis()
    body = {
        "status": "unavailable" if database == "away" else "ok" if redis == "ok" else "degraded",
        "database": database,
        "redis": redis,
        "breaker": "open" if breaker.is_open else "closed",
        "emails": waiting,
    }
    return JsonResponse(body, status=HTTPStatus.SERVICE_UNAVAILABLE if database == "away" else HTTPStatus.OK)


def _database_and_outbox() -> tuple[str, dict[str, Any] | None]:
    """The oldest waiting email tells of a worker that is away."""
    outbox = apps.get_model("accounts", "OutboxEmail").objects
    try:
        waiting = outbox.filter(state__in=["queued", "sending"])
        oldest = waiting.order_by("created_at").values_list("created_at", flat=True).first()
        age = int((datetime.now(UTC) - oldest).total_seconds()) if oldest else 0
        return "ok", {"waiting": waiting.count(), "oldestSeconds": age}
    except DatabaseAway:
        return "away", None


def _redis() -> str:
    """`full` where it answers and has no memory for anything new."""
    try:
        ask(lambda client: client.set("vestibule:readyz", 1, ex=1))
    except RedisRefused:
        return "full"
    except RedisAway:
        return "away"
    return "ok"
