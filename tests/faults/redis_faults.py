"""Faults of a Redis server, by name, to parametrize tests with."""

from collections.abc import Callable

from core.testing.faulty_redis import FaultyRedis

Fault = Callable[[FaultyRedis], None]


def killed(redis: FaultyRedis) -> None:
    redis.kill()


def hung(redis: FaultyRedis) -> None:
    redis.hang()


def flushed(redis: FaultyRedis) -> None:
    redis.client.flushall()


def restarted_empty(redis: FaultyRedis) -> None:
    redis.kill()
    redis.start()


def restored(redis: FaultyRedis) -> None:
    redis.save()
    redis.kill()
    redis.start()


def full(redis: FaultyRedis) -> None:
    redis.exhaust_memory()


def evicting(redis: FaultyRedis) -> None:
    redis.evict()


def read_only(redis: FaultyRedis) -> None:
    redis.make_read_only()


def without_replicas(redis: FaultyRedis) -> None:
    redis.client.config_set("min-replicas-to-write", 1)


def loading(redis: FaultyRedis) -> None:
    redis.restart_loading_slowly()


def requiring_a_password(redis: FaultyRedis) -> None:
    redis.require_password()


def garbled(redis: FaultyRedis) -> None:
    client = redis.client
    for key in client.keys("vestibule:session:*"):
        client.set(key, b'{"revoked": "perhaps", "user": 7}')


def wrong_type(redis: FaultyRedis) -> None:
    client = redis.client
    for key in client.keys("vestibule:session:*"):
        client.delete(key)
        client.rpush(key, "a list")


FAULTS: list[Fault] = [
    killed, hung, flushed, restarted_empty, restored, full, evicting, read_only, without_replicas, loading,
    requiring_a_password, garbled, wrong_type,
]  # fmt: skip

UNAVAILABLE = {killed, hung, read_only, without_replicas, requiring_a_password}
