"""/readyz: what stops requests makes it 503, what does not is told, and nothing that hangs holds it up."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from celery.signals import worker_ready
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.mail import outbox_health
from accounts.models import EmailState, OutboxEmail
from config.celery import app
from core.observability import health_checks, heartbeat, migrations, writability
from core.observability.timed_probe import Probe
from core.redis.client import breaker


def _ask(client: Client) -> tuple[int, dict[str, Any]]:
    reply = client.get("/readyz")
    return reply.status_code, reply.json()


def _promised(*, ago: timedelta, due_in: timedelta, state: EmailState = EmailState.QUEUED) -> None:
    now = timezone.now()
    OutboxEmail.objects.create(
        kind="welcome",
        recipient="a@example.com",
        language="en",
        state=state,
        created_at=now - ago,
        due_at=now + due_in,
    )


@pytest.mark.django_db
def test_a_healthy_deployment_is_ok(client: Client) -> None:
    heartbeat.beat()

    assert _ask(client) == (
        200,
        {
            "status": "ok", "database": "ok", "migrations": "ok", "redis": "ok", "breaker": "closed", "broker": "ok",
            "worker": "ok", "emails": {"waiting": 0, "oldestSeconds": 0, "overdueSeconds": 0},
        },
    )  # fmt: skip


@pytest.mark.django_db
def test_health_checks_accept_any_host(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["auth.example.com"]

    asked = {path: client.get(path, HTTP_HOST="10.0.0.7:8000").status_code for path in ("/healthz", "/readyz", "/")}

    assert asked == {"/healthz": 200, "/readyz": 200, "/": 400}


def test_a_worker_writes_its_heartbeat_before_its_first_sweep() -> None:
    app.loader.import_default_modules()
    worker_ready.send(sender=None)

    assert heartbeat.state(heartbeat.age()) == "ok"


@pytest.mark.django_db
def test_an_unavailable_redis_is_degraded(client: Client) -> None:
    breaker.record_failure()

    status, body = _ask(client)

    assert (status, body["status"], body["redis"], body["broker"]) == (200, "degraded", "unavailable", "unavailable")
    assert body["worker"] == "unknown"


def test_without_the_database_the_service_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "count_pending", _raise)

    status, body = _ask(client)

    assert (status, body["status"], body["database"], body["migrations"]) == (
        503,
        "unavailable",
        "unavailable",
        "unknown",
    )
    assert body["emails"] is None


def _raise() -> int:
    raise DatabaseError("somewhere.internal refused vestibule")


def test_before_the_migrations_the_service_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "count_pending", lambda: 2)

    status, body = _ask(client)

    assert (status, body["database"], body["migrations"]) == (503, "ok", "pending")


@pytest.mark.django_db
def test_a_stopped_worker_is_stale(client: Client) -> None:
    heartbeat.beat()
    get_redis_connection("default").expire("vestibule:worker", 30 * 24 * 3600 - 150)

    status, body = _ask(client)

    assert (status, body["status"], body["worker"]) == (200, "degraded", "stale")


@pytest.mark.django_db
def test_a_worker_that_never_started_is_degraded(client: Client) -> None:
    """As with settings that stop it at its start: no email is ever sent."""
    status, body = _ask(client)

    assert (status, body["status"], body["redis"], body["worker"]) == (200, "degraded", "ok", "unknown")


@pytest.mark.django_db
def test_a_database_that_takes_no_writes_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writability, "is_read_only", lambda: True)

    status, body = _ask(client)

    assert (status, body["status"], body["database"]) == (503, "unavailable", "read_only")


@pytest.mark.django_db
def test_an_unclaimed_email_is_overdue(client: Client) -> None:
    _promised(ago=timedelta(hours=2), due_in=timedelta(minutes=-10))
    _promised(ago=timedelta(hours=3), due_in=timedelta(minutes=5))
    _promised(ago=timedelta(hours=9), due_in=timedelta(hours=-9), state=EmailState.SENT)

    _, body = _ask(client)

    assert body["status"] == "degraded"
    assert body["emails"] == {"waiting": 2, "oldestSeconds": 3 * 3600, "overdueSeconds": 600}


@pytest.mark.django_db
def test_a_scheduled_retry_is_not_overdue(client: Client) -> None:
    heartbeat.beat()
    _promised(ago=timedelta(hours=3), due_in=timedelta(minutes=5))

    assert _ask(client)[1]["status"] == "ok"


@pytest.mark.django_db
def test_failed_emails_are_counted() -> None:
    _promised(ago=timedelta(hours=3), due_in=timedelta(0), state=EmailState.FAILED)

    assert (outbox_health.read_queue().failed, outbox_health.read_queue().waiting) == (1, 0)


@pytest.mark.django_db
def test_applied_migrations_are_checked_once(django_assert_num_queries: Any) -> None:
    migrations.reset()
    assert migrations.count_pending() == 0

    with django_assert_num_queries(0):
        assert migrations.count_pending() == 0


def test_a_hung_check_blocks_no_caller_and_starts_one_thread(settings: Settings) -> None:
    settings.HEALTH_CHECK_TIMEOUT = 0.05
    released = threading.Event()
    asked: list[str] = []

    def hang() -> bool:
        asked.append(threading.current_thread().name)
        return released.wait(5)

    probe = Probe(hang, unavailable=False)
    started = time.monotonic()

    assert [probe.result() for _ in range(5)] == [False] * 5

    assert time.monotonic() - started < 2
    assert len(asked) == 1
    released.set()


def test_a_separate_broker_is_checked_separately(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BROKER_IS_REDIS = False
    monkeypatch.setattr(health_checks, "_broker", Probe(lambda: "unavailable", unavailable="unavailable"))

    assert health_checks.broker("ok") == "unavailable"
