"""Celery: it carries nudges and small ids, never a secret, and never a pickle."""

from celery.schedules import crontab
from kombu import Queue

from config import env
from config.settings.redis import REDIS_URL


def _broker_url() -> str:
    """The Redis of the cache, unless another broker is named; Celery writes the address of a socket in its own way."""
    return broker_url_of(env.text("CELERY_BROKER_URL", REDIS_URL))


def broker_url_of(url: str) -> str:
    if url.startswith("unix://"):
        return "redis+socket://" + url.removeprefix("unix://").split("?")[0]
    return url


CELERY_BROKER_URL = _broker_url()
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# No acknowledgements: one that is lost while the broker hangs would keep the worker's only place for ever. A task that is
# lost is made up for by the next sweep, or the next day's cleanup.
CELERY_TASK_QUEUES = [Queue("celery", no_ack=True)]
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A broker that is away must not hold up whoever publishes.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULE = {
    "deliver-waiting-emails": {"task": "accounts.deliver_outbox", "schedule": 5.0, "options": {"expires": 5}},
    "take-a-reading": {"task": "accounts.take_reading", "schedule": crontab(minute=0), "options": {"expires": 600}},
    "remove-what-is-over": {"task": "accounts.cleanup_tokens", "schedule": crontab(hour=3, minute=17)},
}
