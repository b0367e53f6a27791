"""Celery's Redis transport, with the options of our URLs, and with a way out of a Redis that stops taking writes.

kombu passes only some of redis-py's options on, and as text where they come from a URL. And it takes an error that Redis
returns for a fault of the channel, which ends the worker: also that of a primary that became a replica.
"""

from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis

# Deleting it changes nothing. Its prefix is kombu's, since the user of an ACL may be limited to that.
_WRITE_PROBE = "_kombu.binding.vestibule-write-probe"


def check_writable(connection: Any) -> None:
    """redis-py calls this for each new connection. A replica accepts connections, and then refuses whatever kombu sends."""
    connection.on_connect()
    connection.send_command("DEL", _WRITE_PROBE)
    try:
        connection.read_response()
    except redis.exceptions.NoPermissionError:
        pass  # an ACL that names other keys says nothing about writes
    except redis.ResponseError as error:
        raise redis.ConnectionError("redis accepts no writes") from error


class Channel(kombu_redis.Channel):
    """`connection_options` are keyword arguments of redis-py's connections, in their types."""

    connection_options: dict[str, Any] = {}
    from_transport_options = (*kombu_redis.Channel.from_transport_options, "connection_options")

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's signature
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]
        return parameters | self.connection_options | {"redis_connect_func": check_writable}

    def _put(self, queue: str, message: Any, **kwargs: Any) -> Any:
        """The connection of a publisher would stay with the former primary for ever: the next message opens a new one."""
        try:
            return super()._put(queue, message, **kwargs)
        except redis.ReadOnlyError:
            self._disconnect_pools()  # type: ignore[attr-defined]
            raise


class Transport(kombu_redis.Transport):
    """An error that Redis returns is one of the connection: the worker connects again, with growing pauses, until it can."""

    Channel = Channel
    connection_errors = (*kombu_redis.Transport.connection_errors, redis.ResponseError)


def install() -> None:
    """Under the names by which kombu finds the transport of a URL."""
    for name in ("redis", "rediss"):
        TRANSPORT_ALIASES[name] = "core.task_queue.redis_transport:Transport"
