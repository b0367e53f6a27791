"""Who may hash, who waits, and who is told to come again."""

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
def crowd(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Queue]:
    """`crowd()` puts a queue in the place of the process's own: somebody hashes all the time, and nobody else may wait."""

    def gather(**size: int) -> Queue:
        queue = Queue(**({"concurrency": 1, "max_waiting": 0} | size))
        assert queue.acquire(timeout=None)
        monkeypatch.setattr(hashing_limiter, "_queue", queue)
        return queue

    return gather


@pytest.fixture
def timeouts(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """For how long each that came would have waited."""
    found: list[float | None] = []
    enter = hashing_limiter._queue.acquire

    def note(*, timeout: float | None, path: Path) -> bool:
        found.append(timeout)
        return enter(timeout=timeout, path=path)

    monkeypatch.setattr(hashing_limiter._queue, "acquire", note)
    return found


def _wait_in(queue: Queue, pool: ThreadPoolExecutor, *, timeout: float | None = 5) -> Future[bool]:
    number = len(queue._waiting)
    found = pool.submit(queue.acquire, timeout=timeout)
    while len(queue._waiting) == number and not found.done():
        pass
    return found


def test_as_many_as_may_have_their_turn_at_once() -> None:
    queue = Queue(concurrency=2, max_waiting=0)

    assert [queue.acquire(timeout=0.01) for _ in range(3)] == [True, True, False]
    queue.release()
    assert queue.acquire(timeout=0.01)


def test_who_waits_has_their_turn_in_the_order_in_which_they_came(pool: ThreadPoolExecutor) -> None:
    queue = Queue(concurrency=1, max_waiting=2)
    assert queue.acquire(timeout=5)
    first, second = _wait_in(queue, pool), _wait_in(queue, pool)
    assert queue.acquire(timeout=5) is False

    queue.release()
    assert first.result(timeout=5)
    assert not second.done()
    queue.release()
    assert second.result(timeout=5)


def test_who_waited_too_long_leaves_the_queue_to_the_others(pool: ThreadPoolExecutor) -> None:
    queue = Queue(concurrency=1, max_waiting=1)
    assert queue.acquire(timeout=5)

    assert queue.acquire(timeout=0.01) is False
    other = _wait_in(queue, pool)
    queue.release()

    assert other.result(timeout=5)
    queue.release()
    assert queue.acquire(timeout=0.01)


def test_who_has_time_waits_in_a_full_queue_too(pool: ThreadPoolExecutor) -> None:
    queue = Queue(concurrency=1, max_waiting=0)
    assert queue.acquire(timeout=5)

    other = _wait_in(queue, pool, timeout=None)

    queue.release()
    assert other.result(timeout=5)


def test_a_command_waits_for_its_turn(pool: ThreadPoolExecutor, crowd: Callable[..., Queue]) -> None:
    queue = crowd()

    hashing = pool.submit(make_password, PASSWORD)
    with pytest.raises(TimeoutError):
        hashing.result(timeout=0.1)
    queue.release()

    assert check_password(PASSWORD, hashing.result(timeout=5))


def test_a_fault_amid_a_hash_ends_the_turn(crowd: Callable[..., Queue]) -> None:
    queue = crowd(concurrency=2)

    with pytest.raises(ZeroDivisionError), hashing_limiter.hashing_slot():
        assert not queue.acquire(timeout=0.01)
        raise ZeroDivisionError

    assert queue.acquire(timeout=0.01)


def test_the_many_cheap_hashes_that_hide_an_old_cost_are_one_turn(
    settings: Settings, timeouts: list[float | None]
) -> None:
    old = make_password(PASSWORD)
    settings.BCRYPT_ROUNDS = 7
    timeouts.clear()

    assert not check_password("Wrong-Horse-7", old)

    assert len(timeouts) == 2  # for the one that is asked for, and for the other seven


LOGIN = {"username": "alice", "password": PASSWORD}


@pytest.mark.parametrize("username", ["alice", "unknown"])
def test_a_sign_in_waits_once_whoever_it_names_and_however_old_the_hash(
    alice: User, api: ApiClient, settings: Settings, timeouts: list[float | None], username: str
) -> None:
    settings.BCRYPT_ROUNDS += 1

    reply = api.post("/login", {"username": username, "password": "Wrong-Horse-7"})

    assert reply.json()["code"] == "invalid_credentials"
    assert timeouts == [MAX_WAIT_SECONDS]


@pytest.mark.parametrize("name", ["alice", "ALICE", "unknown"])
@pytest.mark.parametrize("password", [PASSWORD, "Wrong-Horse-7"])
def test_past_the_queue_a_sign_in_is_told_to_come_again_whoever_it_names(
    alice: User, api: ApiClient, crowd: Callable[..., Queue], name: str, password: str
) -> None:
    crowd()

    reply = api.post("/login", {"username": name, "password": password})

    assert (reply.status_code, reply.json()["code"]) == (503, "service_unavailable")
    assert int(reply["Retry-After"]) > 0
    assert not reply.cookies
    assert not Session.objects.exists()
    assert not AuditEvent.objects.exists()


def test_who_is_turned_away_costs_neither_sql_nor_redis(
    alice: User, crowd: Callable[..., Queue], measure: Measure, limits_on: Settings
) -> None:
    crowd()
    before = HASHES_REFUSED._value.get()

    assert measure(lambda: ApiClient().post("/login", LOGIN)) == Work()

    assert HASHES_REFUSED._value.get() == before + 1


def test_who_is_turned_away_is_in_no_count(
    alice: User, api: ApiClient, crowd: Callable[..., Queue], limits_on: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = crowd()
    monkeypatch.setattr(hashing_limiter, "ensure_capacity", lambda: None)  # the queue filled up a moment later
    for _ in range(40):
        assert api.post("/login", LOGIN).status_code == 503
        assert api.post("/register", _form()).status_code == 503
    queue.release()

    reply = api.post("/login", LOGIN)

    assert reply.status_code == 200
    assert reply["RateLimit-Remaining"] == "29"
    assert api.post("/register", _form()).status_code == 201


def test_without_redis_neither(
    alice: User, api: ApiClient, crowd: Callable[..., Queue], limits_on: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = crowd()
    monkeypatch.setattr(hashing_limiter, "ensure_capacity", lambda: None)
    monkeypatch.setattr("core.redis.client.breaker.allows_command", lambda: False)
    for _ in range(40):
        assert api.post("/login", LOGIN).status_code == 503
    queue.release()

    assert api.post("/login", LOGIN).status_code == 200


def _form() -> dict[str, Any]:
    return {"email": "eve@example.com", "username": "eve", "password": PASSWORD}


def test_past_the_queue_nobody_is_registered(db: None, api: ApiClient, crowd: Callable[..., Queue]) -> None:
    queue = crowd()

    assert api.post("/register", _form()).status_code == 503

    assert not User.objects.exists()
    assert not OutboxEmail.objects.exists()
    queue.release()
    assert api.post("/register", _form()).status_code == 201


def test_past_the_queue_a_password_stays_what_it_was(
    alice: User, sign_in: Callable[..., SignedIn], crowd: Callable[..., Queue]
) -> None:
    here = sign_in(alice)
    crowd()

    reply = here.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})

    assert (reply.status_code, reply.json()["code"]) == (503, "service_unavailable")
    assert User.objects.get().password == alice.password
    assert here.client.get("/me").status_code == 200


def test_who_was_let_in_once_is_not_sent_away_halfway(
    alice: User, sign_in: Callable[..., SignedIn], timeouts: list[float | None]
) -> None:
    here = sign_in(alice)
    timeouts.clear()

    here.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})

    # To check the one and to hash the other. Whoever comes with no timeout waits in a full queue, too.
    assert timeouts == [MAX_WAIT_SECONDS, None]
    assert User.objects.get().check_password(NEW)


def test_past_the_queue_the_admin_says_so_too(superuser: User, client: Client, crowd: Callable[..., Queue]) -> None:
    crowd()

    reply = client.post("/admin/login/", {"username": "grace", "password": PASSWORD})

    assert reply.status_code == 503
    assert int(reply["Retry-After"]) > 0
    assert client.get("/admin/").status_code == 302


def test_past_the_queue_an_administrator_sets_no_password(
    alice: User, superuser: User, client: Client, crowd: Callable[..., Queue]
) -> None:
    client.force_login(superuser)
    form = {"usable_password": "true", "password1": NEW, "password2": NEW}
    queue = crowd()

    reply = client.post(f"/admin/accounts/user/{alice.id}/password/", form)

    assert reply.status_code == 503
    assert int(reply["Retry-After"]) > 0
    assert User.objects.get(id=alice.id).password == alice.password
    queue.release()
    assert client.post(f"/admin/accounts/user/{alice.id}/password/", form).status_code == 302
