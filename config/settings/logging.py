"""Logs go to standard output, one line per record: as text in development, as JSON elsewhere."""

from config.settings.debug import DEBUG
from core.environment import env

LOG_FORMAT = env.choice("LOG_FORMAT", "text" if DEBUG else "json", ("json", "text"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "core.observability.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(ids)s%(message)s",
        },
        "json": {"()": "core.observability.logs.JsonFormatter"},
    },
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": LOG_FORMAT}},
    "root": {
        "handlers": ["stdout"],
        "level": env.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")).upper(),
    },
    "loggers": {
        # The access log has rejected requests; only server errors are logged here.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.server": {"level": "WARNING"},
        # At DEBUG it would log each statement with its values.
        "django.db.backends": {"level": "INFO"},
        # Every sweep of an empty outbox would log two lines.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
