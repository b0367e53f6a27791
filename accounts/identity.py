"""When two spellings are the same person: the keys that email and username are unique by."""

import functools
import hashlib
import unicodedata

import idna

_USUAL = 253
_MAX_LENGTH = (
    1024  # normalizing 64 KiB of accents took 4.7 s (it is quadratic), and no address or name is as long as this
)


def email_key(email: str) -> str:
    """One key for all spellings: case, Unicode compatibility forms, and both ways to write an international domain.

    Raises ValueError for what is no address (CVE-2019-19844: two addresses that a database takes for one).
    """
    if len(email) > _MAX_LENGTH:
        raise ValueError("too long for an email address")
    local, at, domain = unicodedata.normalize("NFKC", email).rpartition("@")
    if not at or not local:
        raise ValueError("not an email address")
    # Not casefold(): "ß" is no spelling of "ss" but the name of another mailbox.
    return f"{local.lower()}@{_domain_key(domain)}"


def delivery_form(email: str) -> str:
    """Return the address that mail is sent to: as typed, and an international domain in ASCII (IDNA 2008, as in the key).

    Python's mail library would take IDNA 2003 instead, by which faß.example is fass.example: somebody else's domain.
    Raises ValueError for what is no address.
    """
    local, at, domain = email.rpartition("@")
    if not at or not local:
        raise ValueError("not an email address")
    return f"{local}@{domain if domain.isascii() else _domain_key(domain)}"


def _domain_key(domain: str) -> str:
    """The same few again and again. What is too long to be typed is not remembered, so nobody fills the memory with it."""
    return _usual_domain_key(domain) if len(domain) <= _USUAL else _domain_key_anew(domain)


def _domain_key_anew(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError("not a domain") from error


_usual_domain_key = functools.lru_cache(maxsize=1024)(_domain_key_anew)


def email_key_or_none(email: str) -> str | None:
    """For look-ups by what anybody typed."""
    try:
        return email_key(email)
    except ValueError:
        return None


def bucket_of(typed: str) -> str:
    """One for all ways to write an address or a name, those too that stand for nobody: " Victim@X. " counts as victim@x."""
    if len(typed) > _MAX_LENGTH:
        return hashlib.sha256(typed.encode()).hexdigest()
    bare = unicodedata.normalize("NFKC", typed).strip().rstrip(".")
    return email_key_or_none(bare) or bare.casefold()


def username_key(username: str) -> str:
    return username.lower()
