"""Writes the sender of DEFAULT_FROM_EMAIL in a form that every mail server accepts (RFC 5322, without SMTPUTF8)."""

import re
from email.headerregistry import Address

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from core.environment.web_origins import canonical_host

EXPECTED = "one email address, such as no-reply@example.com or Example <no-reply@example.com>"
_NAMED = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_validate = EmailValidator()
_MAX_LOCAL = 64  # RFC 5321 section 4.5.3.1.1


def sender(text: str) -> str:
    """Quote the name where required (`Acme, Inc.`) and encode the domain as punycode. Raise ValueError if invalid."""
    named = _NAMED.fullmatch(text)
    name, email = (named[1], named[2].strip()) if named else ("", text)
    local, at, domain = email.rpartition("@")
    if (
        not at
        or len(local) > _MAX_LOCAL
        or not local.isascii()
        or '"' in local
        or any(character in name for character in "<>@")
    ):
        raise ValueError(text)
    email = f"{local}@{domain if domain.startswith('[') else canonical_host(domain)}"
    try:
        _validate(email)
    except ValidationError as error:
        raise ValueError(text) from error
    return str(Address(display_name=_unquoted(name), addr_spec=email))


def _unquoted(name: str) -> str:
    quoted = _QUOTED.fullmatch(name)
    if quoted is None and '"' in name:
        raise ValueError(name)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else name
