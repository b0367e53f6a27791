"""A hung or killed Redis costs one request its time-out; then the breaker opens until Redis responds again."""

import copy
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as django_settings
from django_redis import get_redis_connection
from pytest_django import Settings

from core.dev import redis_server
from core.dev.redis_server import RedisServer
from core.redis import client as guarded
from core.redis.client import Breaker, RedisRejected, RedisUnavailable, breaker, execute
from core.redis.connect import cache_generation

PAUSE = 0.3


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis of this test's own, which it may hang and kill."""
    own = redis_server.start_for_tests()
    caches = copy.deepcopy(django_settings.CACHES)
    caches["default"]["LOCATION"] = own.url
    settings.CACHES = caches
    monkeypatch.setattr(guarded, "breaker", Breaker(PAUSE))
    assert execute(_ping)
    yield own
    own.process.send_signal(signal.SIGCONT)
    own.stop()


def _ping(client: Any) -> bool:
    return bool(client.ping())


def _seconds(call: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(RedisUnavailable):
        call()
    return time.monotonic() - started


def test_a_hung_redis_costs_one_timeout(server: RedisServer) -> None:
    server.process.send_signal(signal.SIGSTOP)

    assert 0.2 < _seconds(lambda: execute(_ping)) < 0.4

    assert max(_seconds(lambda: execute(_ping)) for _ in range(50)) < 0.02


def test_after_the_pause_one_caller_probes_redis_and_the_others_fail_fast(server: RedisServer) -> None:
    server.process.send_signal(signal.SIGSTOP)
    _seconds(lambda: execute(_ping))
    time.sleep(PAUSE)

    with ThreadPoolExecutor(8) as pool:
        waits = sorted(pool.map(lambda _: _seconds(lambda: execute(_ping)), range(8)))

    assert waits[-1] > 0.2
    assert waits[-2] < 0.1


def test_the_breaker_closes_when_redis_responds_again(server: RedisServer) -> None:
    server.process.send_signal(signal.SIGSTOP)
    _seconds(lambda: execute(_ping))
    server.process.send_signal(signal.SIGCONT)
    assert _seconds(lambda: execute(_ping)) < 0.02
    time.sleep(PAUSE)

    assert execute(_ping)

    assert not guarded.breaker.is_open


def test_a_killed_redis_costs_no_time(server: RedisServer) -> None:
    server.process.kill()
    server.process.wait()

    assert max(_seconds(lambda: execute(_ping)) for _ in range(20)) < 0.1
    assert guarded.breaker.is_open


def test_an_error_about_one_command_leaves_the_breaker_closed(server: RedisServer) -> None:
    execute(lambda client: client.set("text", "x"))

    _seconds(lambda: execute(lambda client: client.lpush("text", "y")))

    assert not guarded.breaker.is_open
    assert execute(_ping)


def test_a_redis_that_is_out_of_memory_still_serves_reads(server: RedisServer) -> None:
    execute(lambda client: client.set("kept", "yes"))
    execute(lambda client: client.config_set("maxmemory", 1))

    _seconds(lambda: execute(lambda client: client.set("more", "x")))

    assert execute(lambda client: client.get("kept")) == b"yes"
    assert not guarded.breaker.is_open


def test_an_error_about_one_command_is_redis_rejected(server: RedisServer) -> None:
    execute(lambda client: client.set("text", "x"))

    with pytest.raises(RedisRejected):
        execute(lambda client: client.lpush("text", "y"))


def test_slow_responses_that_add_up_open_the_breaker(server: RedisServer, settings: Settings) -> None:
    settings.REDIS_SLOW_SECONDS = 0.05

    assert execute(lambda client: [_late(client), _late(client)]) == [True, True]

    assert guarded.breaker.is_open


def _late(client: Any) -> bool:
    time.sleep(0.03)
    return _ping(client)


def test_a_read_only_replica_counts_as_unavailable(server: RedisServer) -> None:
    execute(lambda client: client.replicaof("127.0.0.1", "1"))

    _seconds(lambda: execute(lambda client: client.set("text", "x")))

    assert guarded.breaker.is_open
    time.sleep(PAUSE)
    _seconds(lambda: execute(_ping))  # it answers, but takes no writes yet


def test_closing_the_breaker_starts_a_new_cache_generation(server: RedisServer) -> None:
    number = cache_generation.number
    guarded.breaker.record_failure()
    time.sleep(PAUSE)

    assert execute(_ping)

    assert cache_generation.number > number


def test_the_log_says_when_the_breaker_opens_and_closes(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    server.process.send_signal(signal.SIGSTOP)
    for _ in range(3):
        _seconds(lambda: execute(_ping))
    server.process.send_signal(signal.SIGCONT)
    time.sleep(PAUSE)
    execute(_ping)
    execute(_ping)

    told = [record.getMessage().split(",")[0] for record in caplog.records if record.name == "core.redis.client"]
    assert told == ["redis breaker: open", "redis breaker: closed"]


def test_an_error_of_the_command_itself_leaves_the_breaker_closed(server: RedisServer) -> None:
    with pytest.raises(ZeroDivisionError):
        execute(lambda _client: 1 / 0)

    assert not guarded.breaker.is_open


def test_an_exhausted_pool_leaves_the_breaker_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`max_connections` of REDIS_URL."""
    pool = get_redis_connection("default").connection_pool
    pool.reset()
    monkeypatch.setattr(pool, "max_connections", 1)
    held = pool.get_connection()

    with pytest.raises(RedisRejected):
        execute(lambda client: client.ping())

    assert not breaker.is_open
    pool.release(held)
    assert execute(lambda client: client.ping())
