"""Hashes and checks passwords in one Unicode form: keyboards send the same letter composed (NFC) or decomposed (NFD).

A new password is hashed as NFC (NIST SP 800-63B-4 §3.1.1.2). A hash of another form, from before passwords were
normalized, still matches, and is upgraded at the next login. ASCII has one form and costs one hash.
All code must hash and verify passwords with this module instead of Django's functions; a test checks this.
"""

import base64
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import hashers
from django.utils.crypto import constant_time_compare

from accounts.passwords import hashing_limiter

MAX_LENGTH = 128
# NFC joins at most four characters into one, so nothing longer can fit. Normalizing is quadratic: 64 KiB of accents took 4.7 s.
MAX_RAW_LENGTH = 4 * MAX_LENGTH


def normalize(password: str) -> str:
    """Return the form that is hashed and measured. Text that is too long in any form is returned unchanged."""
    if password.isascii() or len(password) > MAX_RAW_LENGTH:
        return password
    return unicodedata.normalize("NFC", password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`is_correct`: the password matches the hash itself. `is_claim`: it matches the hash of a registration claim."""

    is_correct: bool = False
    is_outdated: bool = False
    is_claim: bool = False


_BCRYPT_ALPHABET = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)
_SALT_LENGTH = 29  # with version and cost, as "$2b$12$" and 22 characters


def make(password: str | None) -> str:
    """Return the hash of a new password; an unusable one for None. Raises Overloaded."""
    return hashers.make_password(None if password is None else normalize(password))


def verify(password: str, encoded: str, *, check_all_forms: bool = False) -> tuple[bool, bool]:
    """Return whether the password is correct, and whether its hash should be upgraded. Raises Overloaded.

    A wrong password costs one hash for each form of it. `check_all_forms` makes a correct one cost the same, for an account that
    rejects it anyway.
    """
    is_correct = is_outdated = False
    with hashing_limiter.hashing_slot():  # one slot, also for the hashes that compensate for another cost
        for form in _forms(password):
            matches, needs_update = hashers.verify_password(form, encoded)
            if matches:
                is_correct, is_outdated = True, needs_update or form != normalize(password)
            if is_correct and not check_all_forms:
                break
    return is_correct, is_outdated


def is_current_algorithm(encoded: str) -> bool:
    return encoded.startswith(f"{hashers.get_hasher().algorithm}$")


def empty_hash(*, salt: bytes) -> str:
    """Return a hash of the current cost with this 16-byte salt that matches no password."""
    hasher: Any = hashers.get_hasher()
    text = base64.b64encode(salt).decode()[:22].translate(_BCRYPT_ALPHABET)
    return f"{hasher.algorithm}$$2b${hasher.rounds:02d}${text}"


def make_with_same_salt(password: str, reference: str) -> str:
    """Return the hash of a new password with the salt and the cost of `reference`, in the time of `make`. Raises Overloaded.

    A cost above the current one is not used: it would take longer.
    """
    hasher: Any = hashers.get_hasher()
    if hasher.decode(reference)["work_factor"] > hasher.rounds:
        return make(password)
    with hashing_limiter.hashing_slot():
        encoded: str = hasher.encode(normalize(password), _salt(reference))
        hasher.harden_runtime(normalize(password), reference)
    return encoded


def match(password: str, reference: str, claims: Iterable[str], *, check_all_forms: bool = False) -> Match:
    """Verify `reference` and, with the same computation, `claims` of the same salt and cost. Raises Overloaded."""
    hasher: Any = hashers.get_hasher()
    result = Match()
    with hashing_limiter.hashing_slot():
        for form in _forms(password):
            computed = hasher.encode(form, _salt(reference))
            if constant_time_compare(computed, reference):
                is_outdated = hasher.must_update(reference) or form != normalize(password)
                result = Match(is_correct=True, is_outdated=is_outdated)
            elif any([constant_time_compare(computed, claim) for claim in claims]):  # noqa: C419 - compares all claims, for constant time
                return Match(is_claim=True)
            elif hasher.must_update(reference):
                hasher.harden_runtime(form, reference)
            if result.is_correct and not check_all_forms:
                break
    return result


def _salt(encoded: str) -> bytes:
    return encoded.split("$", 1)[1][:_SALT_LENGTH].encode()


def hash_for_timing(password: str) -> None:
    """Compute the hashes of a wrong password where no hash exists, to take as long (CVE-2024-39329). Raises Overloaded."""
    with hashing_limiter.hashing_slot():
        for form in _forms(password):
            hashers.make_password(form)


def _forms(password: str) -> tuple[str, ...]:
    """Return the forms to try: NFC, then those that older hashes may have, as sent and NFD."""
    if password.isascii() or len(password) > MAX_RAW_LENGTH:
        return (password,)
    return tuple(dict.fromkeys([normalize(password), password, unicodedata.normalize("NFD", password)]))
