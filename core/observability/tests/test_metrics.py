"""/metrics: what is counted, that several processes count together, and who may look."""

import ipaddress
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from core.metrics import multiprocess
from core.metrics.registry import REGISTRY
from core.observability import heartbeat, metrics_view
from core.observability.http_metrics import HTTP_SECONDS, count_requests
from core.redis.client import breaker
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.waiting import wait_until

SECRET = "only-for-tests-metrics-0123456789-abcdefghij"


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    metrics_view.scrape_collector.reset()


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"vestibule_{name}", labels) or 0.0


def test_a_request_is_counted_by_route_not_path(client: Client, db: None) -> None:
    route = {"route": "/api/auth/sessions/{pk}", "method": "GET"}
    before = value("http_requests_total", **route, status="401")

    client.get("/api/auth/sessions/01981c63-1f5e-7a90-b1c2-93d4e5f60718")

    assert value("http_requests_total", **route, status="401") == before + 1
    assert b"01981c63" not in metrics_view.render()


def test_unknown_methods_and_paths_create_no_series(client: Client, db: None) -> None:
    for odd in range(3):
        client.get(f"/api/auth/never-{odd}")
        client.get(f"/nowhere-{odd}")
        client.generic(f"BREW{odd}", "/api/auth/me")

    text = metrics_view.render().decode()

    assert 'route="unmatched"' in text
    assert 'method="OTHER"' in text
    assert not re.search("never-|nowhere-|BREW", text)


@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.005, 0.3, 9.99, 10.0, 11.0])
def test_a_duration_is_counted_in_the_bucket_of_the_library(seconds: float) -> None:
    def buckets(route: str) -> list[float]:
        found = next(iter(HTTP_SECONDS.collect())).samples
        return [one.value for one in found if one.labels["route"] == route and not one.name.endswith("_created")]

    ours, theirs = f"ours-{seconds}", f"theirs-{seconds}"

    count_requests([(ours, "GET", 200, seconds)] * 3)
    for _ in range(3):
        HTTP_SECONDS.labels(theirs, "GET").observe(seconds)

    assert buckets(ours) == buckets(theirs)


def test_the_metrics_show_the_breaker() -> None:
    breaker.record_failure()
    assert value("redis_breaker_open") == 1

    breaker.record_success()
    assert value("redis_breaker_open") == 0


def test_deployment_gauges_are_read_at_the_scrape(db: None) -> None:
    heartbeat.beat()
    heartbeat.cleanup_finished()

    names = set(re.findall(r"^(vestibule_\w+) ", metrics_view.render().decode(), re.MULTILINE))

    assert set(metrics_view.scrape_descriptions()) <= names


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_without_a_token_only_this_machine_may_scrape(client: Client, db: None, address: str) -> None:
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="198.51.100.1").status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Host"])
def test_a_proxy_on_this_machine_does_not_expose_the_metrics(client: Client, db: None, header: str) -> None:
    assert client.get("/metrics", headers={header: "127.0.0.1"}, REMOTE_ADDR="127.0.0.1").status_code == 404


def test_other_networks_can_be_allowed(client: Client, db: None, settings: Settings) -> None:
    settings.METRICS_ALLOWED = [ipaddress.ip_network("10.0.0.0/8")]

    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 404


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("evil.example", 404)])
def test_a_scrape_by_ip_needs_no_allowed_host_and_another_host_is_rejected(
    client: Client, db: None, settings: Settings, host: str, status: int
) -> None:
    settings.ALLOWED_HOSTS = ["auth.example.com"]

    assert client.get("/metrics", HTTP_HOST=host, REMOTE_ADDR="127.0.0.1").status_code == status


@pytest.mark.parametrize(
    "given", [None, "Bearer", "Bearer wrong", f"Basic {SECRET}", f"Bearer {SECRET}x", "Bearer \u00e9"]
)
def test_with_a_token_only_the_token_grants_access(
    client: Client, db: None, settings: Settings, given: str | None
) -> None:
    settings.METRICS_TOKEN = SECRET
    headers = {"Authorization": given} if given else {}

    reply = client.get("/metrics", headers=headers, REMOTE_ADDR="127.0.0.1")

    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    right = client.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}, REMOTE_ADDR="198.51.100.1")
    assert right.status_code == 200
    assert right.headers["Cache-Control"] == "no-store"


def _ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_dead_process_loses_its_gauges_and_keeps_its_counters(tmp_path: Path) -> None:
    dead, living = _ended_process(), os.getpid()
    for name in (f"gauge_livesum_{dead}.db", f"gauge_livemax_{living}.db", f"counter_{dead}.db"):
        (tmp_path / name).touch()

    multiprocess.prune_dead_gauges(tmp_path)

    assert sorted(file.name for file in tmp_path.iterdir()) == [f"counter_{dead}.db", f"gauge_livemax_{living}.db"]


def test_a_server_starts_with_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(multiprocess.VARIABLE, str(tmp_path / "counts"))
    multiprocess.prepare_dir(port=1)
    (tmp_path / "counts" / "counter_7.db").touch()

    assert multiprocess.prepare_dir(port=1) == {multiprocess.VARIABLE: str(tmp_path / "counts")}
    assert list((tmp_path / "counts").iterdir()) == []


def test_the_server_starts_without_a_metrics_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(multiprocess.VARIABLE, str(tmp_path / "file" / "counts"))

    assert multiprocess.prepare_dir(port=1) == {}
    assert multiprocess.VARIABLE not in os.environ


def test_two_processes_share_counters_that_outlive_them(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "counts"
    monkeypatch.setenv(multiprocess.VARIABLE, str(folder))

    with live_database.in_use(tmp_path, django_db_blocker), live_server.running(tmp_path) as server:
        server.send_at_once([ApiRequest("GET", "/me")] * 40)
        wait_until(lambda: _answered(server) == 40)
        first = {file.name for file in folder.glob("counter_*.db")}
        assert len(first) == 2

        main = int(re.findall(r"main PID: (\d+)", (tmp_path / "web.log").read_text())[0])
        os.kill(main, signal.SIGHUP)  # granian puts new processes in the place of both
        wait_until(lambda: len(list(folder.glob("counter_*.db"))) == 4)
        server.send_at_once([ApiRequest("GET", "/me")] * 20)

        wait_until(lambda: _answered(server) == 60)


def _answered(server: LiveServer) -> float:
    reply = server.send_bytes(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    found = re.findall(r'^vestibule_http_requests_total\{.*"/api/auth/me".*\} (\S+)$', reply.raw.decode(), re.MULTILINE)
    return sum(map(float, found))
