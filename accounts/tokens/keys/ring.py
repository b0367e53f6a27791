"""The key ring of this process, which is reloaded when the key files change."""

import functools
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from accounts.tokens.keys import files
from accounts.tokens.keys.files import KeyFile, KeyFilesError, State
from accounts.tokens.keys.key import SigningKey
from core.environment.env import BadVariable

logger = logging.getLogger(__name__)

_CHECK_SECONDS = 2.0
# An unknown `kid` may belong to a new key. Invented ones must not cause a check of the files for each request.
_RECHECK_SECONDS = 0.25
_HINT = "create the first one with: manage.py rotate_keys"


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """An immutable snapshot of the files. `by_id` verifies tokens; `jwks` is published, with the next key before it signs."""

    signing: SigningKey
    by_id: Mapping[str, SigningKey]
    jwks: Mapping[str, list[dict[str, str]]]


class KeyRing:
    """Checks the files on use, at most every two seconds. Keeps the former keys if the files cannot be read."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths
        self._lock = threading.Lock()
        key_files, self._seen = files.read_all(paths)
        self._keys = _keys(key_files, paths)
        self._checked_at = time.monotonic()

    def keys(self) -> Keys:
        self._reload(_CHECK_SECONDS, wait=False)
        return self._keys

    def published(self) -> Mapping[str, list[dict[str, str]]]:
        """Return the current key set: a verifier requests it when it sees an unknown `kid`."""
        self._reload(_RECHECK_SECONDS, wait=True)
        return self._keys.jwks

    def find(self, kid: object) -> SigningKey | None:
        """Return the key in any state: another node may have rotated already and sign with the next key."""
        if not isinstance(kid, str):
            return None
        key = self.keys().by_id.get(kid)
        if key is None:
            self._reload(_RECHECK_SECONDS, wait=True)
            key = self._keys.by_id.get(kid)
        return key

    def _reload(self, pause: float, *, wait: bool) -> None:
        if time.monotonic() - self._checked_at < pause or not self._lock.acquire(blocking=wait):
            return
        try:
            if (
                time.monotonic() - self._checked_at >= pause
            ):  # no other thread reloaded while this one waited for the lock
                self._checked_at = time.monotonic()
                self._read_if_changed()
        except KeyFilesError as problem:
            logger.error("JWT_PRIVATE_KEYS names %s; the former keys stay in use", problem)  # noqa: TRY400 - the message is enough
        finally:
            self._lock.release()

    def _read_if_changed(self) -> None:
        seen = files.signature(self.paths)
        if seen == self._seen:
            return
        self._seen = seen  # log an error of these files only once
        key_files, self._seen = files.read_all(self.paths)
        self._keys = _keys(key_files, self.paths)
        logger.info("signing keys reloaded: %s signs, %d in all", self._keys.signing.kid, len(key_files))


def _keys(key_files: list[KeyFile], paths: tuple[str, ...]) -> Keys:
    """The newest active key signs. Without an active key, the next one does."""
    by_state = {state: [file.key for file in key_files if file.state is state] for state in State}
    candidates = by_state[State.NEXT][:1] + by_state[State.ACTIVE]
    if not candidates:
        raise KeyFilesError(f"no key that can sign: {', '.join(paths)} ({_HINT} --directory {paths[0]})")
    return Keys(
        signing=candidates[-1],
        by_id={file.key.kid: file.key for file in key_files},
        jwks={"keys": [file.key.jwk for file in reversed(key_files)]},
    )


def current() -> KeyRing:
    """Return the key ring of JWT_PRIVATE_KEYS. Raises BadVariable if the first read fails."""
    return _ring(tuple(settings.JWT_PRIVATE_KEYS))


@functools.cache
def _ring(paths: tuple[str, ...]) -> KeyRing:
    try:
        return KeyRing(paths)
    except KeyFilesError as problem:
        raise BadVariable("JWT_PRIVATE_KEYS", f"names {problem}") from None
