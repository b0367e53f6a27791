"""The development mailbox on disk: one JSON file per message, at most the newest MAX_MESSAGES."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypedDict

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

MAX_MESSAGES: Final = 500
_ID: Final = re.compile(r"[0-9]{20}-[0-9a-f]{8}")


class Message(TypedDict):
    id: str
    to: list[str]
    subject: str
    text: str
    html: str
    sentAt: str


def save(*, to: list[str], subject: str, text: str, html: str) -> Message:
    """Store a message atomically: the file is written under a draft name and then renamed."""
    message = Message(id=_new_id(), to=to, subject=subject, text=text, html=html, sentAt=_now())
    folder = _folder()
    # Messages contain codes and links that give access to accounts: only the owner may read them.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{message['id']}.draft"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(message, ensure_ascii=False), encoding="utf-8")
    draft.replace(_path(message["id"]))
    _drop_oldest()
    return message


def find(message_id: str) -> Message | None:
    """Return the message with this id, or None. An id of another form, such as a path, matches nothing."""
    return _read(_path(message_id)) if _ID.fullmatch(message_id) else None


def newest_first(*, to: str = "") -> Iterator[Message]:
    """Yield all messages, or those to one recipient, compared case-insensitively."""
    wanted = to.casefold()
    for path in _newest_paths():
        message = _read(path)
        if message and (not wanted or wanted in map(str.casefold, message["to"])):
            yield message


def _new_id() -> str:
    """Return an id that sorts by time, so that a listing need not open files to sort them."""
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _folder() -> Path:
    if not settings.MAILBOX_DIR:
        raise ImproperlyConfigured("MAILBOX_DIR is not set: the mailbox exists in development only.")
    return Path(settings.MAILBOX_DIR)


def _path(message_id: str) -> Path:
    return _folder() / f"{message_id}.json"


def _newest_paths() -> list[Path]:
    return sorted(_folder().glob("*.json"), reverse=True)


def _read(path: Path) -> Message | None:
    """Return None if another process has deleted the message since it was listed."""
    try:
        message: Message = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return message


def _drop_oldest() -> None:
    for path in _newest_paths()[MAX_MESSAGES:]:
        path.unlink(missing_ok=True)
