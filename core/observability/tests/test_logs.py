"""A record of the log is one line, whatever a client put into it."""

import json
import logging
import sys
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from core.observability.logs import JsonFormatter, LineFormatter, log_context


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x1b[31m", "\x07", "\u2028", "\x85", "\0", "\u202e"])
def test_control_characters_are_escaped_in_the_log(odd: str) -> None:
    formatter = LineFormatter("%(levelname)s %(ids)s%(message)s")
    record = logging.LogRecord("x", logging.INFO, "", 0, "signed in: %s", (f"alice{odd}INFO signed in: admin",), None)

    line = formatter.format(record)

    assert odd not in line
    assert line.isprintable()
    assert line.startswith("INFO signed in: alice\\")


def _raised(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except type(error):
        return logging.LogRecord("x", logging.ERROR, "", 0, "it broke", (), sys.exc_info())


def _json(record: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x1b[31m", "\x07", "\u2028", "\x85", "\0", "\u202e", "\x7f", "\ud800"])
def test_json_logs_escape_control_characters_too(odd: str) -> None:
    line = JsonFormatter().format(logging.LogRecord("x", logging.INFO, "", 0, "signed in: %s", (f"alice{odd}",), None))

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == f"signed in: alice{odd}"


def test_an_exception_is_part_of_its_json_record() -> None:
    found = _json(_raised(OperationalError("the server is unavailable")))

    assert found["exception"].splitlines()[-1] == "OperationalError: the server is unavailable"
    assert "test_logs.py" in found["exception"]


@pytest.mark.parametrize("formatter", [JsonFormatter(), LineFormatter("%(ids)s%(message)s")])
def test_exception_messages_with_personal_data_are_omitted(formatter: logging.Formatter) -> None:
    record = _raised(IntegrityError("DETAIL: Key (email_key)=(alice@example.com) already exists"))

    line = formatter.format(record)

    assert "alice" not in line
    assert "IntegrityError" in line


def test_debug_shows_the_whole_exception(settings: Settings) -> None:
    settings.DEBUG = True

    assert "alice" in _json(_raised(ValueError("alice")))["exception"]


def test_celerys_log_of_a_failed_task_omits_personal_data() -> None:
    record = _raised(IntegrityError("alice@example.com"))
    record.msg = "Task %(name)s[%(id)s] %(description)s: %(exc)s"
    record.args = {"name": "send", "id": "1", "description": "raised unexpected", "exc": "IntegrityError('alice@…')"}

    assert _json(record)["message"] == "Task send[1] raised unexpected: IntegrityError"


def _boom(_request: HttpRequest, typed: str) -> HttpResponse:
    raise ValueError(typed)


def _suspect(_request: HttpRequest, typed: str) -> HttpResponse:
    raise SuspiciousOperation(f"The joined path ({typed}) is located outside")


def _away(_request: HttpRequest, typed: str) -> HttpResponse:
    return HttpResponse(status=503)


urlpatterns = [path("boom/<typed>", _boom), path("suspect/<typed>", _suspect), path("away/<typed>", _away)]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("kind", "said"), [("boom", "Internal Server Error"), ("suspect", "Bad Request")], ids=["fault", "suspicion"]
)
def test_djangos_request_log_omits_the_path(kind: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    Client(raise_request_exception=False).get(f"/{kind}/alice@example.com")

    [record] = [one for one in caplog.records if one.name.startswith("django.")]
    line = JsonFormatter().format(record)
    assert json.loads(line)["message"] == said
    assert "alice" not in line + LineFormatter("%(ids)s%(message)s").format(record)
    assert "test_logs.py" in line


@pytest.mark.urls(__name__)
def test_djangos_log_line_after_the_request_contains_its_id(caplog: pytest.LogCaptureFixture) -> None:
    answer = Client().get("/away/alice@example.com")

    [record] = [one for one in caplog.records if one.name.startswith("django.")]
    assert _json(record)["request_id"] == answer.headers["X-Request-Id"]
    assert LineFormatter("%(ids)s%(message)s").format(record).endswith("] Service Unavailable")


def test_the_log_of_a_csrf_failure_omits_the_origin(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post("/admin/login/alice", headers={"Origin": "https://alice.example"}).status_code == 403

    assert [JsonFormatter().format(one).count("alice") for one in caplog.records] == [0]


def test_log_lines_about_an_email_contain_its_id_and_request_id() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "sent", (), None)

    with log_context(email_id="an-email", request_id="a-request"):
        found, text = _json(record), LineFormatter("%(ids)s%(message)s").format(record)

    assert (found["email_id"], found["request_id"]) == ("an-email", "a-request")
    assert text == "[a-request an-email] sent"
    assert "email_id" not in _json(record)
