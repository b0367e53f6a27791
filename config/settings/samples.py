"""Rejects URLs whose password is a sample of the documentation, which is public."""

from urllib.parse import parse_qs, unquote, urlsplit

from config.settings.debug import DEBUG
from core.environment import env
from core.environment.secret_strength import is_sample

_URLS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "EMAIL_URL")


def _passwords(url: str) -> list[str]:
    """Return the passwords before the @, for each server of a broker, and in the options, where libpq and redis-py accept one."""
    try:
        parts = [urlsplit(part) for part in (url.split(";") if url.startswith("amqp") else [url])]
        return [unquote(part.password or "") for part in parts] + parse_qs(parts[0].query).get("password", [])
    except ValueError:
        return []  # the parser of the URL reports the error


if not DEBUG:
    for _name in _URLS:
        if any(map(is_sample, _passwords(env.text(_name, "")))):
            raise env.BadVariable(_name, "has the password of a sample from a document; write your own")
