"""Each new connection checks whether Redis is the same instance as before and accepts writes."""

from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.redis.connect import CLIENT_NAME, WRITE_PROBE_KEY, cache_generation, on_connect
from core.testing import faulty_redis
from core.testing.faulty_redis import FaultyRedis


@pytest.fixture
def server() -> Iterator[FaultyRedis]:
    with faulty_redis.running() as own:
        yield own


@pytest.fixture
def client(server: FaultyRedis) -> Iterator[redis.Redis]:
    """Return a client that has connected to the Redis once."""
    client = _new_client(server)
    client.ping()
    yield client
    client.close()


def _new_client(server: FaultyRedis) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=str(server.server.socket),
        redis_connect_func=on_connect,  # type: ignore[arg-type]  # it is given the connection
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def test_another_connection_to_the_same_redis_starts_no_generation(server: FaultyRedis, client: redis.Redis) -> None:
    number = cache_generation.number

    assert _new_client(server).ping()

    assert cache_generation.number == number


def test_a_restarted_redis_starts_a_new_generation(server: FaultyRedis, client: redis.Redis) -> None:
    number = cache_generation.number
    server.kill()
    server.start()

    assert _new_client(server).ping()

    assert cache_generation.number > number


def test_a_reconnect_starts_a_new_generation(server: FaultyRedis, client: redis.Redis) -> None:
    number = cache_generation.number
    server.client.client_kill_filter(_type="normal", skipme=True)

    assert client.ping()

    assert cache_generation.number > number


def test_a_redis_that_accepts_no_writes_is_rejected(server: FaultyRedis) -> None:
    server.make_read_only()

    with pytest.raises(redis.ConnectionError, match="accepts no writes"):
        _new_client(server).ping()


def test_a_redis_that_is_out_of_memory_is_accepted(server: FaultyRedis) -> None:
    server.exhaust_memory()

    assert _new_client(server).ping()


def test_connecting_sets_a_client_name_and_writes_no_key(server: FaultyRedis, client: redis.Redis) -> None:
    assert not server.client.exists(WRITE_PROBE_KEY)
    assert CLIENT_NAME in {other["name"] for other in server.client.client_list()}
