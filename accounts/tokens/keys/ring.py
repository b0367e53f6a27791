"""The keys that this process signs and verifies access tokens with: read once, and again when their files change."""

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

_LOOK_SECONDS = 2.0
# An unknown `kid` may be that of a key made a moment ago; yet nobody who invents one makes us look for each request.
_LOOK_AGAIN_SECONDS = 0.25
_HINT = "make the first with: manage.py rotate_keys"


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """One reading of the files, equal to no other. `by_id` verifies; `jwks` is published, the next key too, before it signs."""

    signing: SigningKey
    by_id: Mapping[str, SigningKey]
    jwks: Mapping[str, list[dict[str, str]]]


class Ring:
    """Looks at the files every two seconds while it is asked, and keeps what it has where they cannot be read."""

    def __init__(self, places: tuple[str, ...]) -> None:
        self.places = places
        self._lock = threading.Lock()
        found, self._seen = files.read_all(places)
        self._keys = _keys(found, places)
        self._looked_at = time.monotonic()

    def keys(self) -> Keys:
        self._look(_LOOK_SECONDS, wait=False)
        return self._keys

    def published(self) -> Mapping[str, list[dict[str, str]]]:
        """The key set of this moment, for those who may ask because they met a key that they do not know."""
        self._look(_LOOK_AGAIN_SECONDS, wait=True)
        return self._keys.jwks

    def find(self, kid: object) -> SigningKey | None:
        """The key of that id, in whatever state: a node that rotated sooner may sign with our next one."""
        if not isinstance(kid, str):
            return None
        found = self.keys().by_id.get(kid)
        if found is None:
            self._look(_LOOK_AGAIN_SECONDS, wait=True)
            found = self._keys.by_id.get(kid)
        return found

    def _look(self, pause: float, *, wait: bool) -> None:
        if time.monotonic() - self._looked_at < pause or not self._lock.acquire(blocking=wait):
            return
        try:
            if time.monotonic() - self._looked_at >= pause:  # nobody looked while we waited
                self._looked_at = time.monotonic()
                self._read_if_changed()
        except KeyFilesError as problem:
            logger.error("JWT_PRIVATE_KEYS names %s; the former keys stay", problem)  # noqa: TRY400 - no traceback tells more
        finally:
            self._lock.release()

    def _read_if_changed(self) -> None:
        seen = files.signature(self.places)
        if seen == self._seen:
            return
        self._seen = seen  # what is wrong with these files is said once
        found, self._seen = files.read_all(self.places)
        self._keys = _keys(found, self.places)
        logger.info("signing keys read again: %s signs, %d in all", self._keys.signing.kid, len(found))


def _keys(found: list[KeyFile], places: tuple[str, ...]) -> Keys:
    """Of several active keys the newest signs; where somebody took away the only one, the next."""
    by_state = {state: [file.key for file in found if file.state is state] for state in State}
    candidates = by_state[State.NEXT][:1] + by_state[State.ACTIVE]
    if not candidates:
        raise KeyFilesError(f"no key that may sign: {', '.join(places)} ({_HINT} --directory {places[0]})")
    return Keys(
        signing=candidates[-1],
        by_id={file.key.kid: file.key for file in found},
        jwks={"keys": [file.key.jwk for file in reversed(found)]},
    )


def current() -> Ring:
    """The ring of JWT_PRIVATE_KEYS, which is set. Raises BadVariable where it cannot be read for the first time."""
    return _ring(tuple(settings.JWT_PRIVATE_KEYS))


@functools.cache
def _ring(places: tuple[str, ...]) -> Ring:
    try:
        return Ring(places)
    except KeyFilesError as problem:
        raise BadVariable("JWT_PRIVATE_KEYS", f"names {problem}") from None
