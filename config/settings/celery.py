"""Celery: its messages carry ids, never a secret, and are JSON, never pickles."""

from celery.schedules import crontab
from kombu import Queue

from config.settings.redis import REDIS_ADDRESS
from core.cpus import available_cpus
from core.environment import broker_url, env, redis_url


def _broker() -> broker_url.Broker:
    """The Redis of the cache, unless another broker is named."""
    if not env.is_set("CELERY_BROKER_URL"):
        return broker_url.from_redis_url(REDIS_ADDRESS)
    try:
        return broker_url.parse(env.text("CELERY_BROKER_URL"))
    except redis_url.BadRedisURL as error:
        raise env.BadVariable("CELERY_BROKER_URL", str(error)) from None


BROKER = _broker()
# Then /readyz reports the state of the cache's Redis as the broker's.
BROKER_IS_REDIS = BROKER.redis is not None and BROKER.redis.is_same_database(REDIS_ADDRESS)
# Without these two, Celery reads the variable CELERY_BROKER_URL itself, unvalidated.
CELERY_BROKER_READ_URL = CELERY_BROKER_WRITE_URL = CELERY_BROKER_URL = BROKER.url
CELERY_BROKER_USE_SSL = BROKER.ssl
for _name in ("CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
    if env.is_set(_name):
        raise env.BadVariable(_name, "is not supported; set CELERY_BROKER_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# No acknowledgements: one that is lost while the broker hangs would occupy the worker's only prefetch slot for ever. The
# next sweep, or the next day's cleanup, does the work of a lost task.
CELERY_TASK_QUEUES = [Queue("celery", no_ack=True)]
CELERY_TASK_TIME_LIMIT = 300
# Celery's own default counts all processors of the machine, ignoring quotas.
CELERY_WORKER_CONCURRENCY = env.integer("WORKER_CONCURRENCY", available_cpus(), minimum=1, maximum=512)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# An unavailable broker must not block the publisher.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
} | BROKER.options
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "core.task_queue.beat:WatchedScheduler"
# Beat wakes at least this often, so that its watchdog can tell that it is not hung.
CELERY_BEAT_MAX_LOOP_INTERVAL = 5.0
# How long beat may publish nothing while the broker is available, before its process exits.
BEAT_STALLED_SECONDS = 60.0
# The value of celery's --app with which beat restarts itself if no supervisor does.
BEAT_APP = "config.celery"
CELERY_BEAT_SCHEDULE = {
    "deliver-waiting-emails": {"task": "accounts.deliver_outbox", "schedule": 5.0, "options": {"expires": 5}},
    "snapshot-metrics": {
        "task": "accounts.snapshot_metrics",
        "schedule": crontab(minute=0),
        "options": {"expires": 600},
    },
    "cleanup-expired": {"task": "accounts.cleanup_tokens", "schedule": crontab(hour=3, minute=17)},
}
