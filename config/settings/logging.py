"""Logs go to standard output, a line each: for people in development, as JSON elsewhere."""

from config.settings.debug import DEBUG
from core.environment import env

LOG_FORMAT = env.choice("LOG_FORMAT", "text" if DEBUG else "json", ("json", "text"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "core.observability.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(named)s%(message)s",
        },
        "json": {"()": "core.observability.logs.JsonFormatter"},
    },
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": LOG_FORMAT}},
    "root": {
        "handlers": ["stdout"],
        "level": env.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")).upper(),
    },
    "loggers": {
        # A refused request is the client's affair and shows in the access log; an error is ours.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.server": {"level": "WARNING"},
        # At DEBUG it would quote each statement with its values.
        "django.db.backends": {"level": "INFO"},
        # Two lines for each sweep of an empty outbox would drown the rest.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
