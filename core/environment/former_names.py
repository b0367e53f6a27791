"""Variable names of earlier projects, read as aliases. If both names are set, the current name takes precedence."""

import os
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from core.environment.value_rules import find_problem
from core.environment.web_origins import canonical_host

NAMES = {"RESEND_KEY": "RESEND_API_KEY", "JWT_SECRET": "JWT_SECRET_KEY", "JWT_EXPIRES_IN": "JWT_ACCESS_EXPIRY"}
REDIS_PARTS = ("REDIS_HOST", "REDIS_SOCKET", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD")
_MAX_PORT = 65_535


class BadPart(ValueError):
    """One of REDIS_PARTS is invalid; the message starts with its name."""


def apply(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Set the current variables from the former ones. Return the former name that each value came from."""
    applied: dict[str, str] = {}
    for former, name in NAMES.items():
        for suffix in ("", "_FILE"):
            if environ.get(former + suffix) and not _is_set(name, environ):
                environ[name + suffix] = environ[former + suffix]
                applied[name] = former + suffix
    url = None if _is_set("REDIS_URL", environ) else redis_url(environ)
    if url:
        environ["REDIS_URL"] = url
        applied["REDIS_URL"] = _host_variable(environ)
    return applied


def contradictions(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return pairs of a former and a current name whose values differ, so that the former one has no effect."""
    pairs = [(former, name) for former, name in NAMES.items() if _differ(environ, former, name)]
    # An invalid part has no effect either: REDIS_PORT may belong to another service.
    with suppress(BadPart):
        url = redis_url(environ)
        if url and _is_set("REDIS_URL", environ) and _value("REDIS_URL", environ) != url:
            pairs.append((_host_variable(environ), "REDIS_URL"))
    return pairs


def redis_url(environ: Mapping[str, str]) -> str | None:
    """Return None without a host. REDIS_PORT alone is ignored: Kubernetes sets it to `tcp://…` for a service named redis."""
    host = _value("REDIS_HOST", environ) or _value("REDIS_SOCKET", environ)
    if not host:
        return None
    user, password = (quote(_value(name, environ), safe="") for name in ("REDIS_USERNAME", "REDIS_PASSWORD"))
    login = f"{user}:{password}@" if user or password else ""
    if host.startswith("/"):
        return f"unix://{login}{quote(host)}?db=0"
    port = _value("REDIS_PORT", environ) or "6379"
    if not port.isascii() or not port.isdecimal() or not 0 < int(port) <= _MAX_PORT:
        raise BadPart("REDIS_PORT must be a number from 1 to 65535")
    try:
        return f"redis://{login}{canonical_host(host)}:{port}/0"
    except ValueError as error:
        raise BadPart(f"{_host_variable(environ)} must be a host, or the path of a socket") from error


def _host_variable(environ: Mapping[str, str]) -> str:
    return "REDIS_HOST" if _is_set("REDIS_HOST", environ) else "REDIS_SOCKET"


def _differ(environ: Mapping[str, str], former: str, name: str) -> bool:
    if not _is_set(former, environ) or not _is_set(name, environ):
        return False
    with suppress(BadPart):
        return _value(former, environ) != _value(name, environ)
    return True


def _is_set(name: str, environ: Mapping[str, str]) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _value(name: str, environ: Mapping[str, str]) -> str:
    value, path = environ.get(name, "").rstrip(), environ.get(f"{name}_FILE", "").rstrip()
    if not value and path:
        try:
            value = Path(path).read_text(encoding="utf-8-sig").rstrip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadPart(f"{name}_FILE names a file that cannot be read: {os.fspath(path)}") from error
    problem = find_problem(value) if value else None
    if problem:
        raise BadPart(f"{name} {problem}")
    return value
