"""The unique keys of email and username: spellings of the same identity have the same key."""

import functools
import hashlib
import unicodedata

import idna

_MAX_DOMAIN_LENGTH = 253
# Normalizing 64 KiB of accents took 4.7 s (it is quadratic), and no email or username is as long as this.
_MAX_LENGTH = 1024


def email_key(email: str) -> str:
    """Return one key for all spellings: case, Unicode compatibility forms, and both forms of an international domain.

    Raises ValueError for text that is no email. (CVE-2019-19844: a database may take two emails for equal.)
    """
    if len(email) > _MAX_LENGTH:
        raise ValueError("too long for an email address")
    local, at, domain = unicodedata.normalize("NFKC", email).rpartition("@")
    if not at or not local:
        raise ValueError("not an email address")
    # Not casefold(): "ß" is not a spelling of "ss" but part of another mailbox's name.
    return f"{local.lower()}@{_domain_key(domain)}"


def delivery_form(email: str) -> str:
    """Return the email to send to: as typed, with an international domain in ASCII (IDNA 2008, as in the key).

    Python's mail library would use IDNA 2003, which turns faß.example into fass.example, a domain of another owner.
    Raises ValueError for text that is no email.
    """
    local, at, domain = email.rpartition("@")
    if not at or not local:
        raise ValueError("not an email address")
    return f"{local}@{domain if domain.isascii() else _domain_key(domain)}"


def _domain_key(domain: str) -> str:
    """Use the cache, but not for overlong domains, which could fill the memory."""
    return _cached_domain_key(domain) if len(domain) <= _MAX_DOMAIN_LENGTH else _compute_domain_key(domain)


def _compute_domain_key(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError("not a domain") from error


_cached_domain_key = functools.lru_cache(maxsize=1024)(_compute_domain_key)


def email_key_or_none(email: str) -> str | None:
    try:
        return email_key(email)
    except ValueError:
        return None


def attempt_key(text: str) -> str:
    """Return one key for all spellings of an email or username, existing or not: " Victim@X. " counts as victim@x."""
    if len(text) > _MAX_LENGTH:
        return hashlib.sha256(text.encode()).hexdigest()
    bare = unicodedata.normalize("NFKC", text).strip().rstrip(".")
    return email_key_or_none(bare) or bare.casefold()


def username_key(username: str) -> str:
    return username.lower()
