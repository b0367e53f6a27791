"""The settings of the tests: the real ones, with cheap hashes and with email kept in memory."""

from config.settings.base import *  # noqa: F403
from config.settings.base import CACHES, DATABASES
from core.testing.redis_url import redis_url_for_worker

BCRYPT_ROUNDS = 4
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
RATE_LIMITS = False
CACHES["default"]["LOCATION"] = redis_url_for_worker()
LAST_SEEN_WRITE_SECONDS = None  # tests call the writer themselves
REJECTED_REQUEST_WRITE_SECONDS = None  # likewise
ACCESS_WRITE_SECONDS = None  # written at once
HEALTH_CHECK_TIMEOUT = None  # the checks of readiness share the connection of the test
WAKE_WORKER_ON_COMMIT = False  # only some tests start a worker
WHITENOISE_AUTOREFRESH = True  # each test client loads the middleware anew, and would list all static files
# Servers that tests start keep their connections; the tests close theirs, because each database is dropped afterwards.
DATABASES["default"]["OPTIONS"].pop("max_idle", None)
if DATABASES["default"]["ENGINE"] == "core.db.sqlite":
    DATABASES["default"]["ENGINE"] = "django.db.backends.sqlite3"  # pytest-django tests in memory under this name alone
