"""Celery: it carries nudges and small ids, never a secret, and never a pickle."""

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
# Where it is, what is known of the cache's Redis is known of the broker.
BROKER_IS_REDIS = BROKER.redis is not None and BROKER.redis.is_same_database(REDIS_ADDRESS)
# Celery itself reads the variable CELERY_BROKER_URL, past all of this, unless it is told these two.
CELERY_BROKER_READ_URL = CELERY_BROKER_WRITE_URL = CELERY_BROKER_URL = BROKER.url
CELERY_BROKER_USE_SSL = BROKER.ssl
for _name in ("CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
    if env.is_set(_name):
        raise env.BadVariable(_name, "is not supported; set CELERY_BROKER_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# No acknowledgements: one that is lost while the broker hangs would keep the worker's only place for ever. A task that is
# lost is made up for by the next sweep, or the next day's cleanup.
CELERY_TASK_QUEUES = [Queue("celery", no_ack=True)]
CELERY_TASK_TIME_LIMIT = 300
# Celery itself would count all processors of the machine.
CELERY_WORKER_CONCURRENCY = env.integer("WORKER_CONCURRENCY", available_cpus(), minimum=1, maximum=512)
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
} | BROKER.options
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "core.task_queue.beat:WatchedScheduler"
# It looks at its schedule at least this often, so that the watch over it can tell that it is not hung.
CELERY_BEAT_MAX_LOOP_INTERVAL = 5.0
# How long beat may publish nothing, with a broker that answers, before its process ends.
BEAT_STALLED_SECONDS = 60.0
# The value of celery's --app with which such a process starts again, where nothing supervises it.
BEAT_APP = "config.celery"
CELERY_BEAT_SCHEDULE = {
    "deliver-waiting-emails": {"task": "accounts.deliver_outbox", "schedule": 5.0, "options": {"expires": 5}},
    "take-a-reading": {"task": "accounts.snapshot_metrics", "schedule": crontab(minute=0), "options": {"expires": 600}},
    "remove-what-is-over": {"task": "accounts.cleanup_tokens", "schedule": crontab(hour=3, minute=17)},
}
