"""The limit of concurrent hashes, its queue, and the responses when the queue is full."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client
from pytest_django import Settings

from accounts.metrics import HASHES_REFUSED
from accounts.models import AuditEvent, OutboxEmail, User
from accounts.passwords import hashing_limiter
from accounts.passwords.fair_queue import Path
from accounts.passwords.hashing_limiter import MAX_WAIT_SECONDS, Queue
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.query_counter import Measure, Work
from sessions_tracking.models import Session

NEW = "Another-Horse-8"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def full_queue(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Queue]:
    """Return a function that replaces the queue of the process by one whose slot is taken and that lets no caller wait."""

    def replace(**size: int) -> Queue:
        queue = Queue(**({"concurrency": 1, "max_waiting": 0} | size))
        assert queue.acquire(timeout=None)
        monkeypatch.setattr(hashing_limiter, "_queue", queue)
        return queue

    return replace


@pytest.fixture
def timeouts(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Record the timeouts with which callers acquired slots."""
    recorded: list[float | None] = []
    enter = hashing_limiter._queue.acquire

    def record(*, timeout: float | None, path: Path) -> bool:
        recorded.append(timeout)
        return enter(timeout=timeout, path=path)

    monkeypatch.setattr(hashing_limiter._queue, "acquire", record)
    return recorded


def _wait_in(queue: Queue, pool: ThreadPoolExecutor, *, timeout: float | None = 5) -> Future[bool]:
    number = len(queue._waiting)
    future = pool.submit(queue.acquire, timeout=timeout)
    while len(queue._waiting) == number and not future.done():
        pass
    return future


def test_as_many_slots_are_given_as_configured() -> None:
    queue = Queue(concurrency=2, max_waiting=0)

    assert [queue.acquire(timeout=0.01) for _ in range(3)] == [True, True, False]
    queue.release()
    assert queue.acquire(timeout=0.01)


def test_waiting_callers_get_slots_in_order_of_arrival(pool: ThreadPoolExecutor) -> None:
    queue = Queue(concurrency=1, max_waiting=2)
    assert queue.acquire(timeout=5)
    first, second = _wait_in(queue, pool), _wait_in(queue, pool)
    assert queue.acquire(timeout=5) is False

    queue.release()
    assert first.result(timeout=5)
    assert not second.done()
    queue.release()
    assert second.result(timeout=5)


def test_a_caller_that_times_out_leaves_the_queue(pool: ThreadPoolExecutor) -> None:
    queue = Queue(concurrency=1, max_waiting=1)
    assert queue.acquire(timeout=5)

    assert queue.acquire(timeout=0.01) is False
    other = _wait_in(queue, pool)
    queue.release()

    assert other.result(timeout=5)
    queue.release()
    assert queue.acquire(timeout=0.01)


def test_a_caller_without_timeout_waits_in_a_full_queue(pool: ThreadPoolExecutor) -> None:
    queue = Queue(concurrency=1, max_waiting=0)
    assert queue.acquire(timeout=5)

    other = _wait_in(queue, pool, timeout=None)

    queue.release()
    assert other.result(timeout=5)


def test_a_command_waits_for_a_slot(pool: ThreadPoolExecutor, full_queue: Callable[..., Queue]) -> None:
    queue = full_queue()

    hashing = pool.submit(make_password, PASSWORD)
    with pytest.raises(TimeoutError):
        hashing.result(timeout=0.1)
    queue.release()

    assert check_password(PASSWORD, hashing.result(timeout=5))


def test_an_error_during_a_hash_releases_the_slot(full_queue: Callable[..., Queue]) -> None:
    queue = full_queue(concurrency=2)

    with pytest.raises(ZeroDivisionError), hashing_limiter.hashing_slot():
        assert not queue.acquire(timeout=0.01)
        raise ZeroDivisionError

    assert queue.acquire(timeout=0.01)


def test_hashes_that_compensate_for_an_old_cost_use_one_slot(settings: Settings, timeouts: list[float | None]) -> None:
    old = make_password(PASSWORD)
    settings.BCRYPT_ROUNDS = 7
    timeouts.clear()

    assert not check_password("Wrong-Horse-7", old)

    assert len(timeouts) == 2  # one for the hash itself, one for the seven that compensate


LOGIN = {"username": "alice", "password": PASSWORD}


@pytest.mark.parametrize("username", ["alice", "unknown"])
def test_a_login_waits_once_for_every_account_and_hash_cost(
    alice: User, api: ApiClient, settings: Settings, timeouts: list[float | None], username: str
) -> None:
    settings.BCRYPT_ROUNDS += 1

    response = api.post("/login", {"username": username, "password": "Wrong-Horse-7"})

    assert response.json()["code"] == "invalid_credentials"
    assert timeouts == [MAX_WAIT_SECONDS]


@pytest.mark.parametrize("name", ["alice", "ALICE", "unknown"])
@pytest.mark.parametrize("password", [PASSWORD, "Wrong-Horse-7"])
def test_with_a_full_queue_logins_of_all_accounts_get_retry_after(
    alice: User, api: ApiClient, full_queue: Callable[..., Queue], name: str, password: str
) -> None:
    full_queue()

    response = api.post("/login", {"username": name, "password": password})

    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
    assert int(response["Retry-After"]) > 0
    assert not response.cookies
    assert not Session.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_request_rejected_by_the_queue_costs_no_sql_or_redis_command(
    alice: User, full_queue: Callable[..., Queue], measure: Measure, limits_on: Settings
) -> None:
    full_queue()
    before = HASHES_REFUSED._value.get()

    assert measure(lambda: ApiClient().post("/login", LOGIN)) == Work()

    assert HASHES_REFUSED._value.get() == before + 1


def test_a_request_rejected_by_the_queue_does_not_count_in_rate_limits(
    alice: User, api: ApiClient, full_queue: Callable[..., Queue], limits_on: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = full_queue()
    monkeypatch.setattr(hashing_limiter, "ensure_capacity", lambda: None)  # as if the queue filled up after the check
    for _ in range(40):
        assert api.post("/login", LOGIN).status_code == 503
        assert api.post("/register", _form()).status_code == 503
    queue.release()

    response = api.post("/login", LOGIN)

    assert response.status_code == 200
    assert response["RateLimit-Remaining"] == "29"
    assert api.post("/register", _form()).status_code == 201


def test_without_redis_a_rejected_request_does_not_count_in_rate_limits(
    alice: User, api: ApiClient, full_queue: Callable[..., Queue], limits_on: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = full_queue()
    monkeypatch.setattr(hashing_limiter, "ensure_capacity", lambda: None)
    monkeypatch.setattr("core.redis.client.breaker.allows_command", lambda: False)
    for _ in range(40):
        assert api.post("/login", LOGIN).status_code == 503
    queue.release()

    assert api.post("/login", LOGIN).status_code == 200


def _form() -> dict[str, Any]:
    return {"email": "eve@example.com", "username": "eve", "password": PASSWORD}


def test_with_a_full_queue_no_user_is_registered(db: None, api: ApiClient, full_queue: Callable[..., Queue]) -> None:
    queue = full_queue()

    assert api.post("/register", _form()).status_code == 503

    assert not User.objects.exists()
    assert not OutboxEmail.objects.exists()
    queue.release()
    assert api.post("/register", _form()).status_code == 201


def test_with_a_full_queue_a_password_change_changes_nothing(
    alice: User, sign_in: Callable[..., SignedIn], full_queue: Callable[..., Queue]
) -> None:
    signed_in = sign_in(alice)
    full_queue()

    response = signed_in.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})

    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
    assert User.objects.get().password == alice.password
    assert signed_in.client.get("/me").status_code == 200


def test_a_request_that_had_a_slot_is_not_rejected_later(
    alice: User, sign_in: Callable[..., SignedIn], timeouts: list[float | None]
) -> None:
    signed_in = sign_in(alice)
    timeouts.clear()

    signed_in.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})

    # One slot to check the old password, one to hash the new. Without a timeout, a caller waits in a full queue, too.
    assert timeouts == [MAX_WAIT_SECONDS, None]
    assert User.objects.get().check_password(NEW)


def test_with_a_full_queue_the_admin_login_gets_retry_after(
    superuser: User, client: Client, full_queue: Callable[..., Queue]
) -> None:
    full_queue()

    response = client.post("/admin/login/", {"username": "grace", "password": PASSWORD})

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert client.get("/admin/").status_code == 302


def test_with_a_full_queue_an_administrator_cannot_set_a_password(
    alice: User, superuser: User, client: Client, full_queue: Callable[..., Queue]
) -> None:
    client.force_login(superuser)
    form = {"usable_password": "true", "password1": NEW, "password2": NEW}
    queue = full_queue()

    response = client.post(f"/admin/accounts/user/{alice.id}/password/", form)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert User.objects.get(id=alice.id).password == alice.password
    queue.release()
    assert client.post(f"/admin/accounts/user/{alice.id}/password/", form).status_code == 302
