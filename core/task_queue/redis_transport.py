"""Celery's Redis transport, with all options of the URL, and with recovery from a Redis that stops accepting writes.

kombu passes on only some of redis-py's options, and those of a URL as text. It also treats an error response as a channel
error, which ends the worker: even that of a primary that became a replica.
"""

from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis

# Deleting it changes nothing. It has kombu's prefix, because an ACL may limit the user to that.
_WRITE_PROBE = "_kombu.binding.vestibule-write-probe"


def check_writable(connection: Any) -> None:
    """redis-py calls this for each new connection. A replica accepts connections, but rejects kombu's commands."""
    connection.on_connect()
    connection.send_command("DEL", _WRITE_PROBE)
    try:
        connection.read_response()
    except redis.exceptions.NoPermissionError:
        pass  # an ACL for other keys does not make Redis read-only
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
        """Disconnect a publisher from a former primary, so that the next message opens a new connection."""
        try:
            return super()._put(queue, message, **kwargs)
        except redis.ReadOnlyError:
            self._disconnect_pools()  # type: ignore[attr-defined]
            raise


class Transport(kombu_redis.Transport):
    """Treats an error response as a connection error: the worker reconnects, with growing pauses."""

    Channel = Channel
    connection_errors = (*kombu_redis.Transport.connection_errors, redis.ResponseError)


def install() -> None:
    """Register the transport for redis:// and rediss:// URLs."""
    for name in ("redis", "rediss"):
        TRANSPORT_ALIASES[name] = "core.task_queue.redis_transport:Transport"
