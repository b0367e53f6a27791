"""Settings with long Redis timeouts, so that processes on a busy machine do not fall back to counting alone."""

from typing import Any

from config.settings.base import *  # noqa: F403
from config.settings.base import CACHES

REDIS_TIMEOUT_SECONDS = REDIS_SLOW_SECONDS = 30.0
_options: Any = CACHES["default"]["OPTIONS"]
_options |= {"SOCKET_TIMEOUT": REDIS_TIMEOUT_SECONDS, "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT_SECONDS}
