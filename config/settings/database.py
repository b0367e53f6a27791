"""The database of `DATABASE_URL`; in development, by default SQLite."""

from typing import Any

import environ

from config.settings.debug import DEBUG
from config.settings.rest import WEB_THREADS
from core.environment import env
from core.environment.database_url import usable
from core.paths import url_path, var_dir

SQLITE_OPTIONS = {
    # A writing transaction waits for the lock at its start, instead of failing at its first write.
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000;",
}
POSTGRES_OPTIONS = {
    "connect_timeout": 3,
    # Without these, a query to a host that vanished would block for hours.
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    # After a failover the name may still resolve to the former primary, which misses revocations on the new one. A primary that
    # an operator or a full disk made read-only is accepted: its data is current.
    "target_session_attrs": "primary",
    # A web process serves at most WEB_THREADS requests at once; the rest is for its background threads.
    "max_idle": WEB_THREADS + 2,
    # Frequent statements are planned once per connection (core.db.prepared). Switch it off behind a pooler that shares server
    # connections and does not track prepared statements: PgBouncer in transaction mode with max_prepared_statements=0.
    "prepare_threshold": 0 if env.boolean("DATABASE_PREPARE", default=True) else None,
}


def _database() -> dict[str, Any]:
    url = env.text("DATABASE_URL", f"sqlite:///{url_path(var_dir())}/db.sqlite3" if DEBUG else None)
    try:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    except Exception:  # noqa: BLE001 - any error of the parser may quote the password, so it is not chained
        raise env.BadVariable("DATABASE_URL", "cannot be read; write postgres://user:password@host:5432/name") from None
    if config.get("ENGINE") not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
        raise env.BadVariable("DATABASE_URL", "must start with postgres:// or sqlite:///")
    if config["ENGINE"].endswith("sqlite3") and "#" in url:  # the rest would be dropped, and another file opened
        raise env.BadVariable(
            "DATABASE_URL", "has a # in its path; write %23 for it, %3F for ?, %25 for % and %2B for +"
        )
    try:
        config = usable(config, url)
    except ValueError as error:
        raise env.BadVariable("DATABASE_URL", str(error)) from None
    return config | _connection(config)


def _connection(config: dict[str, Any]) -> dict[str, Any]:
    options = config.get("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        return {"ENGINE": "core.db.sqlite", "OPTIONS": SQLITE_OPTIONS | options, "CONN_MAX_AGE": None}
    # A server-side cursor belongs to one connection of the server, and a pooler may hand the next statement to another one.
    pooler = {"DISABLE_SERVER_SIDE_CURSORS": True}
    return {"ENGINE": "core.db.postgres", "OPTIONS": POSTGRES_OPTIONS | options, "CONN_MAX_AGE": 0} | pooler


DATABASES = {"default": _database()}
# A wrong code is counted although the request fails, so each service decides what its transaction covers.
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
