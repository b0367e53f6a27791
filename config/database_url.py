"""What of a DATABASE_URL can never work, found before the first connection."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from psycopg import pq

# Django's own options of this backend, beside those of libpq.
_DJANGO_OPTIONS = frozenset({"assume_role", "isolation_level", "server_side_binding"})
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


def usable(config: dict[str, Any], own_options: frozenset[str]) -> dict[str, Any]:
    """Return the parsed address, its host unquoted; a ValueError says what is wrong, and quotes no password."""
    if config["ENGINE"].endswith("sqlite3"):
        _check_file(str(config["NAME"]))
        return config
    if not config["NAME"]:
        raise ValueError("names no database; write postgres://user:password@host:5432/name")
    options = config.get("OPTIONS", {})
    unknown = sorted(options.keys() - _libpq_options() - _DJANGO_OPTIONS - own_options)
    if unknown:
        raise ValueError(f"has an option that PostgreSQL does not know: {unknown[0]}")
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"must have one of these as sslmode: {', '.join(sorted(_SSL_MODES))}")
    # The folder of a socket is written as %2Frun%2Fpostgresql where a host would be (libpq, section 32.1.1.2).
    return config | {"HOST": unquote(str(config["HOST"]))}


def _libpq_options() -> set[str]:
    return {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def _check_file(name: str) -> None:
    path = Path(name)
    if name == ":memory:":
        raise ValueError("must name a file: a database in memory is another one for each process")
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ValueError(f"must name a file in a folder that exists and can be written: {path}")
