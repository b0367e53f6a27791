"""The settings of a deployment that waits for Redis, so that a busy machine does not make its processes count alone."""

from config.settings.base import *  # noqa: F403
from config.settings.base import CACHES

REDIS_TIMEOUT_SECONDS = REDIS_SLOW_SECONDS = 30.0
CACHES["default"]["OPTIONS"]["SOCKET_TIMEOUT"] = REDIS_TIMEOUT_SECONDS
CACHES["default"]["OPTIONS"]["SOCKET_CONNECT_TIMEOUT"] = REDIS_TIMEOUT_SECONDS
