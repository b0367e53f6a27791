"""Passwords, hashed and checked in one Unicode form: keyboards send the same letter composed (NFC) or in parts (NFD).

A new password is hashed as NFC (NIST SP 800-63B-4 §3.1.1.2). A hash that was made of another form, before passwords were
normalized, is still found, and renewed at the next login. ASCII has one form, so it costs one hash as ever.
All code hashes and checks passwords here and not by Django's own functions; a test looks.
"""

import unicodedata

from django.contrib.auth import hashers

from accounts import hash_queue

MAX_LENGTH = 128
# NFC joins at most four characters into one, so nothing longer can fit. Normalizing is quadratic: 64 KiB of accents took 4.7 s.
MAX_RAW_LENGTH = 4 * MAX_LENGTH


def normalize(password: str) -> str:
    """Return the form that is hashed, and whose length counts; what is too long in any form is returned as it is."""
    if password.isascii() or len(password) > MAX_RAW_LENGTH:
        return password
    return unicodedata.normalize("NFC", password)


def make(password: str | None) -> str:
    """Return the hash of a new password; an unusable one for None. Raises Overloaded."""
    return hashers.make_password(None if password is None else normalize(password))


def verify(password: str, encoded: str, *, check_all_forms: bool = False) -> tuple[bool, bool]:
    """Return whether the password is right, and whether its hash should be renewed. Raises Overloaded.

    A wrong password costs one hash for each form of it. `check_all_forms` makes a right one cost the same, for an account that
    refuses it anyway.
    """
    is_correct = is_outdated = False
    with hash_queue.turn():  # one, also where another cost is made up for
        for form in _forms(password):
            matches, needs_update = hashers.verify_password(form, encoded)
            if matches:
                is_correct, is_outdated = True, needs_update or form != normalize(password)
            if is_correct and not check_all_forms:
                break
    return is_correct, is_outdated


def spend_as_much(password: str) -> None:
    """Take the time of a wrong password where there is no hash to compare it with (CVE-2024-39329). Raises Overloaded."""
    with hash_queue.turn():
        for form in _forms(password):
            hashers.make_password(form)


def _forms(password: str) -> tuple[str, ...]:
    """The NFC form first, then those of which an older hash may have been made: as it was sent, and NFD."""
    if password.isascii() or len(password) > MAX_RAW_LENGTH:
        return (password,)
    return tuple(dict.fromkeys([normalize(password), password, unicodedata.normalize("NFD", password)]))
