"""Stores rejected requests in one Redis stream, bounded in length and in time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis
from django.conf import settings

from core.redis.client import RedisUnavailable, background_client, breaker, execute
from core.rejected_requests.records import RejectedRequest, decode, encode

KEY = "vestibule:rejected-requests"
MAX_STORED = 100_000  # about 30 MB
_PAGE_SIZE = 1000


def append(batch: Sequence[RejectedRequest]) -> None:
    """Write the batch in one round trip, outside the pool of the requests. Raises RedisUnavailable."""
    if breaker.is_open:
        raise RedisUnavailable
    try:
        with background_client() as client, client.pipeline(transaction=False) as pipeline:
            for rejected in batch:
                pipeline.xadd(KEY, {"id": rejected.request_id, "record": encode(rejected)}, maxlen=MAX_STORED)
            pipeline.xtrim(KEY, minid=_oldest_id())
            pipeline.expire(KEY, settings.REJECTED_REQUEST_RETENTION)
            pipeline.execute()
    except (redis.RedisError, OSError) as error:
        raise RedisUnavailable from error


def find(request_id: str) -> RejectedRequest | None:
    """Search the whole stream, the newest entries first. Raises RedisUnavailable."""
    encoded_id, newest = request_id.encode(), "+"
    while True:
        entries = execute(partial(_read_page, newest=newest))
        for _stream_id, entry in entries:
            if entry.get(b"id") == encoded_id:
                return decode(entry.get(b"record", b""))
        if len(entries) < _PAGE_SIZE:
            return None
        newest = f"({entries[-1][0].decode()}"


def _read_page(client: Any, *, newest: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    entries: list[tuple[bytes, dict[bytes, bytes]]] = client.xrevrange(KEY, newest, _oldest_id(), count=_PAGE_SIZE)
    return entries


def _oldest_id() -> str:
    """Return the lowest stream id that is still retained: stream ids start with the time in milliseconds."""
    return f"{(datetime.now(UTC) - settings.REJECTED_REQUEST_RETENTION).timestamp() * 1000:.0f}"
