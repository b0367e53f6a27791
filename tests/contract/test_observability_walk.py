"""From registration to logout on real servers: the logs and /metrics are complete and contain no personal data."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from pytest_django import DjangoDbBlocker

from accounts.testing import mail_server
from accounts.testing.mail_server import MailServer, plain_text
from core.dev import processes
from core.paths import BASE_DIR
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer
from core.testing.waiting import wait_until
from core.web_server import commands

EMAIL, USERNAME, FIRST, LAST = "wilhelmina@example.org", "wilhelmina_f", "Wilhelmina", "Featherstone"
PASSWORD, WRONG = "Correct-Horse-7", "Staple-Battery-9"
JSON = {"LOG_FORMAT": "json"}


@dataclass
class Walk:
    """The logs and metrics of all requests; `secrets` holds the values that must not be in them."""

    web: list[dict[str, Any]]
    worker: list[dict[str, Any]]
    metrics: str
    text: str = field(repr=False)
    responses: dict[str, ApiResponse]
    secrets: list[str] = field(repr=False)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("walk")
    with (
        live_database.in_use(folder, django_db_blocker),
        mail_server.listening() as mailbox,
        live_server.running(folder, **JSON) as server,
    ):
        yield _walk(folder, server, mailbox)


def _walk(folder: Path, server: LiveServer, mailbox: MailServer) -> Walk:
    command = [*commands.worker(concurrency=1), "--beat", "--schedule", str(folder / "beat"), "--pidfile", ""]
    variables = JSON | {"DJANGO_SETTINGS_MODULE": "accounts.testing.worker_settings", "EMAIL_URL": mailbox.url}
    with (folder / "worker.log").open("wb") as log:
        environment = live_server.environment(**variables)
        worker = processes.start(command, cwd=BASE_DIR, env=environment, stdout=log, stderr=log)
    try:
        responses, secrets = _register_to_logout(server, mailbox)
        names = [str(response.headers["X-Request-Id"]) for response in responses.values()]
        wait_until(lambda: all(name in (folder / "web.log").read_text() for name in names))
        metrics = server.send_bytes(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    finally:
        processes.stop(worker, grace=5)
    web_lines, worker_lines = _lines(folder / "web.log"), _lines(folder / "worker.log")
    raw = "".join((folder / name).read_text() for name in ("web.log", "worker.log")) + metrics.raw.decode()
    return Walk(
        web=web_lines, worker=worker_lines, metrics=metrics.raw.decode(), text=raw, responses=responses, secrets=secrets
    )


def _register_to_logout(server: LiveServer, mailbox: MailServer) -> tuple[dict[str, ApiResponse], list[str]]:
    names = {"email": EMAIL, "username": USERNAME, "firstName": FIRST, "lastName": LAST}
    responses = {"register": server.send(ApiRequest("POST", "/register", names | {"password": PASSWORD}))}
    wait_until(lambda: mailbox.accepted[EMAIL])
    text = plain_text(mailbox.accepted[EMAIL][0])
    code = next(word for word in text.split() if word.isdigit() and len(word) == 6)
    link = parse_qs(urlsplit(next(word for word in text.split() if "token=" in word)).query)["token"][0]
    responses["link"] = server.send(ApiRequest("GET", f"/verify-email?token={link}&email={quote(EMAIL)}"))
    responses["wrong"] = server.send(ApiRequest("POST", "/login", {"username": USERNAME, "password": WRONG}))
    responses["login"] = server.send(ApiRequest("POST", "/login", {"email": EMAIL, "password": PASSWORD}))
    tokens = responses["login"].data["tokens"]
    responses["me"] = server.send(ApiRequest("GET", "/me", token=tokens["accessToken"]))
    responses["forward-auth"] = server.send(ApiRequest("GET", "/forward-auth", token=tokens["accessToken"]))
    responses["refresh"] = server.send(ApiRequest("POST", "/refresh", {"refreshToken": tokens["refreshToken"]}))
    refreshed = responses["refresh"].data["tokens"]
    responses["logout"] = server.send(ApiRequest("POST", "/logout", token=refreshed["accessToken"]))
    responses["last"] = server.send(ApiRequest("GET", "/me", token=refreshed["accessToken"]))
    bearers = [pair[name] for pair in (tokens, refreshed) for name in ("accessToken", "refreshToken")]
    parts = [part for token in bearers for part in token.split(".")[1:]]
    return responses, [*names.values(), PASSWORD, WRONG, code, link, *parts]


def _lines(log: Path) -> list[dict[str, Any]]:
    """Return the JSON lines; `migrate` and Celery also print lines without the logging module."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_each_request_has_the_expected_status(walk: Walk) -> None:
    failures_and_creations = {"register": 201, "wrong": 401, "last": 401}

    assert {name: response.status for name, response in walk.responses.items()} == dict.fromkeys(
        walk.responses, 200
    ) | failures_and_creations


def test_logs_and_metrics_contain_no_secrets_or_personal_data(walk: Walk) -> None:
    text = walk.text

    assert [secret for secret in walk.secrets if secret in text] == []


def test_each_response_has_an_access_log_line(walk: Walk) -> None:
    lines = {line["request_id"]: line for line in walk.web if line["logger"] == "vestibule.access"}

    for response in walk.responses.values():
        line = lines[str(response.headers["X-Request-Id"])]
        assert line["status"] == response.status
        assert set(line) >= {"time", "level", "logger", "message", "method", "route", "duration_ms"}


@pytest.mark.parametrize("name", ["login", "me", "forward-auth", "refresh", "logout"])
def test_the_access_log_line_names_user_and_session(walk: Walk, name: str) -> None:
    line = next(
        record for record in walk.web if record.get("request_id") == walk.responses[name].headers["X-Request-Id"]
    )

    assert line["user_id"] == walk.responses["login"].data["user"]["id"]
    assert line["session_id"] == walk.responses["login"].data["session"]["id"]


def test_the_worker_logs_the_id_of_the_request_that_queued_the_email(walk: Walk) -> None:
    register = str(walk.responses["register"].headers["X-Request-Id"])

    sent = [line for line in walk.worker if line.get("request_id") == register]

    assert [line["level"] for line in sent] == ["INFO"]
    assert sent[0]["email_id"] in sent[0]["message"]


def test_health_checks_and_scrapes_are_not_logged(walk: Walk) -> None:
    assert {line["route"] for line in walk.web if "route" in line}.isdisjoint({"/healthz", "/readyz", "/metrics"})


@pytest.mark.parametrize(
    "series",
    [
        'vestibule_logins_total{result="ok"} 1.0', 'vestibule_logins_total{result="wrong_password"} 1.0',
        'vestibule_refreshes_total{result="ok"} 1.0', 'vestibule_sessions_revoked_total{reason="logout"} 1.0',
        'vestibule_http_requests_total{method="GET",route="/api/auth/forward-auth",status="200"} 1.0',
        "vestibule_outbox_failed 0.0", "vestibule_database_up 1.0", "vestibule_hashes_running 0.0",
    ],
)  # fmt: skip
def test_the_metrics_include_both_processes(walk: Walk, series: str) -> None:
    assert series in walk.metrics.splitlines()
