"""Rejected requests are recorded in the background, with a bounded queue; an unavailable Redis only logs a warning."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django_redis import get_redis_connection
from pytest_django import Settings

from core.http.route_templates import route_template
from core.redis.client import breaker
from core.rejected_requests import store, writer
from core.rejected_requests.records import RejectedRequest, decode, encode, field_names

USER, SESSION = uuid.uuid4(), uuid.uuid4()


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    writer.discard()


def _refusal(name: str = "a" * 32) -> RejectedRequest:
    return RejectedRequest(
        request_id=name, at=datetime.now(UTC), status=401, code="session_revoked", route="/api/auth/me"
    )


def _note(name: str = "a" * 32) -> None:
    writer.record(_refusal(name), lambda: (USER, SESSION))


def test_a_record_is_found_by_its_request_id_with_user_and_session() -> None:
    _note("first-one")
    _note("second-one")

    writer.write()

    result = store.find("first-one")
    assert result is not None
    assert (result.code, result.user_id, result.session_id) == ("session_revoked", USER, SESSION)
    assert store.find("unknown-one") is None


def test_recording_sends_redis_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "append", lambda _: pytest.fail("it was written on the request's time"))

    _note()

    assert len(writer._pending) == 1


def test_the_queue_is_bounded_and_drops_the_oldest() -> None:
    for number in range(writer._MAX_PENDING + 5):
        _note(f"request-{number}")

    assert len(writer._pending) == writer._MAX_PENDING
    assert writer._pending[0][0].request_id == "request-5"


def test_without_redis_records_are_lost_and_a_warning_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    breaker.record_failure()
    _note()

    writer.write()

    assert "could not record why 1 requests were rejected" in caplog.text
    assert not writer._pending


def test_a_wrong_type_under_the_key_only_logs_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    get_redis_connection("default").set(store.KEY, "not a stream")
    _note()

    writer.write()

    assert "could not record why 1 requests were rejected" in caplog.text


def test_the_first_record_starts_the_only_writer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    monkeypatch.setattr(writer, "_start_writer", started.append)
    settings.REJECTED_REQUEST_WRITE_SECONDS = 1.0

    for _ in range(3):
        _note()
    assert started == [1.0]

    writer.write()
    _note()
    assert started == [1.0, 1.0]


def test_a_failed_thread_start_is_retried(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    settings.REJECTED_REQUEST_WRITE_SECONDS = 1.0
    monkeypatch.setattr("threading.Timer.start", refuse)

    _note()

    assert not writer._pending


def test_redis_keeps_a_bounded_number_of_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_STORED", 100)

    for number in range(450):
        _note(f"request-{number}")
    writer.write()

    assert get_redis_connection("default").xlen(store.KEY) < 300  # Redis trims whole nodes of the stream
    assert store.find("request-449") is not None
    assert store.find("request-0") is None


def test_records_expire(settings: Settings) -> None:
    _note()
    writer.write()
    assert 86_000 < get_redis_connection("default").ttl(store.KEY) <= 86_400

    settings.REJECTED_REQUEST_RETENTION = -timedelta(seconds=1)

    assert store.find("a" * 32) is None


def test_many_are_searched_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PAGE_SIZE", 3)
    for number in range(10):
        _note(f"request-{number}")
    writer.write()

    assert all(store.find(f"request-{number}") is not None for number in range(10))
    assert store.find("request-10") is None


def test_a_record_is_restored_and_garbage_is_ignored() -> None:
    refusal = RejectedRequest(request_id="x" * 32, at=datetime.now(UTC), status=400, fields=("email",), user_id=USER)

    assert decode(encode(refusal).encode()) == refusal
    assert [decode(text) for text in (b"", b"[]", b"{}", b"\xff", b'{"at": 5}')] == [None] * 5


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("api/auth/me/?$", "/api/auth/me"),
        ("api/auth/users/(?P<pk>[^/]+)/sessions/?$", "/api/auth/users/{pk}/sessions"),
        ("^api(/.*)?$", ""),
    ],
)
def test_a_route_is_recorded_as_its_template(route: str, template: str) -> None:
    assert route_template(route) == template


def test_recorded_field_names_are_known_and_bounded() -> None:
    assert field_names({"email": [], "data.what they typed": [], "<b>": []}) == ("email", "data")
    assert len(field_names({f"field{chr(97 + number)}": [] for number in range(20)})) == 10
    assert field_names(None) == ()


@pytest.mark.parametrize("path", ["/healthz", "/", "/api/schema", "/none"])
def test_successes_and_other_paths_are_not_recorded(client: Client, path: str, db: None) -> None:
    client.get(path)

    assert not writer._pending


def test_nothing_is_recorded_when_switched_off(client: Client, settings: Settings, db: None) -> None:
    settings.REJECTED_REQUEST_RETENTION = timedelta(0)

    client.get("/api/none")

    assert not writer._pending


def test_a_failure_to_record_does_not_change_the_response(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(writer, "record", fail)

    assert client.get("/api/none").status_code == 404
    assert "could not record a rejected request" in caplog.text


def test_an_unreadable_token_loses_no_other_record() -> None:
    bearers: list[Callable[[], tuple[uuid.UUID | None, uuid.UUID | None]]] = [lambda: (USER, SESSION)]
    writer.record(_refusal("broken-one"), lambda: (_ for _ in ()).throw(ValueError))
    writer.record(_refusal("another-one"), bearers[0])

    writer.write()

    assert store.find("another-one") is not None
