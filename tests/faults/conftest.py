"""Fixtures of the fault tests: a faulty Redis, a mail server, workers, and API nodes on one database."""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import OutboxEmail
from accounts.testing import mail_server
from accounts.testing.mail_server import MailServer
from core.testing import faulty_redis, live_database, live_server
from core.testing.faulty_redis import FaultyRedis
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer
from core.testing.waiting import wait_until
from tests.faults import worker_fleet
from tests.faults.worker_fleet import WorkerFleet


def probe(node: LiveServer, path: str) -> tuple[int, dict[str, Any]]:
    """Return status and body of a health check."""
    connection = http.client.HTTPConnection(live_server.HOST, node.port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def readiness(node: LiveServer) -> dict[str, Any]:
    return probe(node, "/readyz")[1]


def timed(node: LiveServer, request: ApiRequest, *, seconds: float = 1) -> ApiResponse:
    """Return the response, and assert that it came in time."""
    started = time.monotonic()
    response = node.send(request)
    assert time.monotonic() - started < seconds, request
    return response


@dataclass(frozen=True)
class Nodes:
    """Two API processes on one database and one Redis: `here` revokes, `there` must reject."""

    here: LiveServer
    there: LiveServer
    redis: FaultyRedis
    folder: Path

    @property
    def both(self) -> tuple[LiveServer, LiveServer]:
        return self.here, self.there


@pytest.fixture(scope="module")
def faults_folder(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("faults")
    with live_database.in_use(folder, django_db_blocker):
        yield folder


@pytest.fixture(scope="module")
def shared_nodes(faults_folder: Path) -> Iterator[Nodes]:
    with faulty_redis.running() as redis:
        here, there = faults_folder / "here", faults_folder / "there"
        here.mkdir()
        there.mkdir()
        with (
            live_server.running(here, REDIS_URL=redis.url, WEB_WORKERS="1") as first,
            live_server.running(there, REDIS_URL=redis.url, WEB_WORKERS="1") as second,
        ):
            yield Nodes(here=first, there=second, redis=redis, folder=faults_folder)


@pytest.fixture
def nodes(shared_nodes: Nodes) -> Iterator[Nodes]:
    """The nodes run for the whole module: recovering from each fault is part of what the tests check."""
    shared_nodes.redis.client.flushall()
    yield shared_nodes
    shared_nodes.redis.delete_snapshot()
    shared_nodes.redis.repair()
    for node in shared_nodes.both:
        wait_until(lambda node=node: readiness(node)["redis"] == "ok")  # type: ignore[misc]


@pytest.fixture
def redis() -> Iterator[FaultyRedis]:
    with faulty_redis.running() as server:
        yield server


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    OutboxEmail.objects.all().delete()
    with mail_server.listening() as listening:
        yield listening


@pytest.fixture
def fleet_settings() -> str:
    """The settings module of the workers and beats of `fleet`."""
    return worker_fleet.LONG_CLAIM


@pytest.fixture
def fleet(faults_folder: Path, mailbox: MailServer, redis: FaultyRedis, fleet_settings: str) -> Iterator[WorkerFleet]:
    variables = {"REDIS_URL": redis.url, "CELERY_BROKER_URL": redis.url}
    with worker_fleet.running(faults_folder, mailbox.url, settings=fleet_settings, **variables) as running:
        yield running
