"""Finds mistakes in DATABASE_URL before the first connection."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from psycopg import pq

from core.environment.web_origins import canonical_host
from core.paths import BASE_DIR

# The only supported option of Django itself: the services rely on READ COMMITTED and on client-side binding.
_DJANGO_OPTIONS = frozenset({"assume_role"})
# libpq, section 34.1.2. libpq checks these values on connecting, so that a wrong one would fail each request.
_CHOICES = {
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "target_session_attrs": {"any", "primary", "read-write"},  # the other values may select a read-only server
    "channel_binding": {"disable", "prefer", "require"},
    "gssencmode": {"disable", "prefer", "require"},
    "sslnegotiation": {"postgres", "direct"},
    "load_balance_hosts": {"disable", "random"},
    "ssl_min_protocol_version": {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
    "ssl_max_protocol_version": {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
    "client_encoding": {"utf8", "UTF8", "utf-8", "UTF-8", "auto"},
}
_NUMBERS = frozenset(
    {"connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
)
_FILES = frozenset({"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"})
_NOT_SUPPORTED = frozenset({"replication", "service"})
# The parts of the URL before its query, by their libpq names.
_PARTS = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
_MAX_NUMBER = 2**31 - 1
_MAX_NAME_BYTES = 63


def usable(config: dict[str, Any], url: str) -> dict[str, Any]:
    """Return the parsed URL with its host in libpq's form. A ValueError says what is wrong and quotes no password."""
    base, mark, query = url.partition("?")
    names = [name for name, _value in parse_qsl(query, keep_blank_values=True)]
    if len(set(names)) < len(names):
        raise ValueError("gives an option twice")
    if config["ENGINE"].endswith("sqlite3"):
        if mark and names != ["timeout"]:
            raise ValueError("has a ? and no option that is supported (timeout); write %3F for a ? in a path")
        _check_number("timeout", query.partition("=")[2] or "0")
        return config | {"NAME": _file(urlsplit(base))}
    server = base.rpartition("@")[2]
    if "#" in server or "#" in query or re.search(r":0+([/,]|$)", server):
        raise ValueError("has a # or the port 0 behind the host; write %23 for a #")
    if not config["NAME"] or len(config["NAME"].encode()) > _MAX_NAME_BYTES:
        raise ValueError(
            "names no database, or one of more than 63 bytes; write postgres://user:password@host:5432/name"
        )
    if "\ufffd" in f"{config['USER']}{config['PASSWORD']}":
        raise ValueError("has a user or a password that is not UTF-8")
    for name in names:
        _check_option(name, str(config.get("OPTIONS", {}).get(name, "")), config)
    _check_authority(config.get("OPTIONS", {}))
    return config | {"HOST": _host(str(config["HOST"]))}


def _check_option(name: str, value: str, config: dict[str, Any]) -> None:
    if name not in _libpq_options() | _DJANGO_OPTIONS or name in _NOT_SUPPORTED:
        raise ValueError(f"has an option that is not supported: {name}")
    if config.get(_PARTS.get(name, "")):
        raise ValueError(f"gives {name} twice, before and after the ?")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"must have one of these as {name}: {', '.join(sorted(_CHOICES[name]))}")
    if name in _NUMBERS:
        _check_number(name, value)
    if name in _FILES and not (name == "sslrootcert" and value == "system") and not os.access(value, os.R_OK):
        raise ValueError(f"names a file that cannot be read: {name}={value}")


def _check_number(name: str, value: str) -> None:
    if not value.isascii() or not value.isdigit() or int(value) > _MAX_NUMBER:
        raise ValueError(f"must have a whole number as {name}")


def _check_authority(options: dict[str, Any]) -> None:
    """Require a CA for `sslmode=verify-*`: by default libpq looks for it in the user's home directory."""
    is_verified = str(options.get("sslmode", "")).startswith("verify-")
    own = Path(os.environ.get("PGSSLROOTCERT") or os.path.expanduser("~/.postgresql/root.crt"))  # noqa: PTH111 - a missing home directory is allowed
    if is_verified and "sslrootcert" not in options and str(own) != "system" and not own.is_file():
        raise ValueError("verifies certificates (sslmode) without sslrootcert=/path/of/ca.pem, or sslrootcert=system")


def _host(text: str) -> str:
    """Decode the host; a socket's folder stands in its place as %2Frun%2Fpostgresql (libpq, section 32.1.1.2)."""
    hosts = unquote(text).split(",")
    try:
        return ",".join(
            host if host.startswith("/") or not host else canonical_host(host).strip("[]") for host in hosts
        )
    except ValueError:
        raise ValueError("names a host that cannot exist; write postgres://user:password@host:5432/name") from None


def _libpq_options() -> set[str]:
    return {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def _file(url: SplitResult) -> str:
    """Resolve a relative path against the project folder, so that each process opens the same file."""
    if url.netloc or not url.path.strip("/"):
        raise ValueError("must be sqlite:/// and the path of a file, without a host")
    file = BASE_DIR / unquote(url.path[1:])
    is_writable = os.access(file if file.exists() else file.parent, os.W_OK)
    if not str(file).isprintable() or not is_writable or not os.access(file.parent, os.W_OK | os.X_OK):
        raise ValueError(f"must name a file in a folder that exists and can be written: {str(file)!r}")
    if file.exists() and not file.is_file():
        raise ValueError(f"must name a file, and this is not one: {str(file)!r}")
    return str(file)
