"""Where refusals lie: one stream in Redis, bounded in number and in time, which goes by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis
from django.conf import settings

from core.redis.client import RedisAway, ask, breaker, patient_client
from core.rejected_requests.records import Refusal, decode, encode

KEY = "vestibule:refusals"
MOST_KEPT = 100_000  # about 30 MB
_CHUNK = 1000


def append(refusals: Sequence[Refusal]) -> None:
    """For a thread that nobody waits for: one round trip past the pool of the requests. Raises RedisAway."""
    if breaker.is_open:
        raise RedisAway
    try:
        with patient_client() as client, client.pipeline(transaction=False) as pipeline:
            for refusal in refusals:
                pipeline.xadd(KEY, {"id": refusal.request_id, "record": encode(refusal)}, maxlen=MOST_KEPT)
            pipeline.xtrim(KEY, minid=_oldest())
            pipeline.expire(KEY, settings.REFUSAL_RETENTION)
            pipeline.execute()
    except (redis.RedisError, OSError) as error:
        raise RedisAway from error


def find(request_id: str) -> Refusal | None:
    """The refusal under that id. Looks through them all, the newest first. Raises RedisAway."""
    wanted, newest = request_id.encode(), "+"
    while True:
        entries = ask(partial(_page, newest=newest))
        for _place, entry in entries:
            if entry.get(b"id") == wanted:
                return decode(entry.get(b"record", b""))
        if len(entries) < _CHUNK:
            return None
        newest = f"({entries[-1][0].decode()}"


def _page(client: Any, *, newest: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: list[tuple[bytes, dict[bytes, bytes]]] = client.xrevrange(KEY, newest, _oldest(), count=_CHUNK)
    return found


def _oldest() -> str:
    """The place in the stream before which nothing is of interest any more; places begin with the time, in milliseconds."""
    return f"{(datetime.now(UTC) - settings.REFUSAL_RETENTION).timestamp() * 1000:.0f}"
