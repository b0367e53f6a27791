"""How the things stand that the service needs. Each answer comes within a bounded time, and names no host and no version."""

from dataclasses import dataclass

from celery import current_app as app
from django.conf import settings

from core.observability import migrations, outbox, writability
from core.observability.outbox import Queue
from core.observability.timed_probe import Probe
from core.redis.client import RedisAway, RedisRefused, ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """`queue` and `pending` are None where it did not answer. A failover may leave one that answers and takes no writes."""

    queue: Queue | None = None
    pending: int | None = None
    is_read_only: bool = False

    @property
    def is_up(self) -> bool:
        return self.pending is not None

    @property
    def state(self) -> str:
        if not self.is_up:
            return "away"
        return "read_only" if self.is_read_only else "ok"


def _look_at_database() -> Database:
    """Before the tables are made there is no outbox to look at."""
    try:
        pending = migrations.pending()
        queue = None if pending else outbox.read()
        return Database(pending=pending, queue=queue, is_read_only=writability.is_read_only())
    except Exception:  # noqa: BLE001 - whatever keeps it from answering
        return Database()


def look_at_broker() -> str:
    try:
        with app.connection_for_write(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
    except Exception:  # noqa: BLE001 - each transport has errors of its own
        return "away"
    return "ok"


_database = Probe(_look_at_database, away=Database())
_broker = Probe(look_at_broker, away="away")


def database() -> Database:
    return _database.answer()


def redis() -> str:
    """`full` where it answers and has no memory for anything new."""
    try:
        ask(lambda client: client.set("vestibule:readyz", 1, ex=1))
    except RedisRefused:
        return "full"
    except RedisAway:
        return "away"
    return "ok"


def broker(redis_state: str) -> str:
    """Where it is the Redis of the cache, what is known of that."""
    return redis_state if settings.BROKER_IS_REDIS else _broker.answer()
