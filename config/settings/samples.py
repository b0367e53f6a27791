"""Refuses addresses whose password is one of our documents: whoever reads them has it."""

from urllib.parse import unquote, urlsplit

from config import env
from config.secret_strength import is_sample
from config.settings.debug import DEBUG

_ADDRESSES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "EMAIL_URL")


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""  # what reads the address says what is wrong with it


if not DEBUG:
    for _name in _ADDRESSES:
        if is_sample(_password(env.text(_name, ""))):
            raise env.BadVariable(_name, "has the password of a sample from a document; write your own")
