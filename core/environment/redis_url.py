"""Parses the URL of a Redis server for all its users: cache, broker, health check and commands."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import redis

from core.environment import redis_url_options as options
from core.environment.web_origins import canonical_host

EXAMPLE = "redis://:password@host:6379/0"
SCHEMES = frozenset({"redis", "rediss", "unix", "redis+socket"})
_SOCKET_SCHEMES = frozenset({"unix", "redis+socket"})
_DEFAULT_PORT = 6379
# The database is `virtual_host` for Celery and `db` for redis-py.
_DATABASE_NAMES = ("db", "virtual_host")
_CREDENTIAL_NAMES = ("username", "password")
# kombu opens several connections per process and counts them against its own limit.
_MIN_BROKER_CONNECTIONS = 10
# kombu waits up to one second for a message.
_MIN_BROKER_TIMEOUT = 2.0
_MAX_DATABASE = 2**31 - 1  # Redis refuses SELECT with a larger number
_MAX_SOCKET_PATH = 107  # sun_path of unix(7) without the terminating byte


class BadRedisURL(ValueError):
    """The message for the operator quotes no part of the URL that could belong to a password."""


@dataclass(frozen=True, kw_only=True)
class RedisURL:
    """`path` is the path of a Unix socket. `options` are typed keyword arguments of redis-py's connections."""

    host: str = ""
    port: int = _DEFAULT_PORT
    path: str = ""
    is_tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def location(self) -> str:
        """Return the URL for redis-py and django-redis, which take the options separately."""
        if self.path:
            return f"unix://{self._credentials}{quote(self.path)}?db={self.database}"
        return f"{'rediss' if self.is_tls else 'redis'}://{self._server}/{self.database}"

    @property
    def broker_url(self) -> str:
        """Return the URL in Celery's form."""
        if self.path:
            return f"redis+socket://{self._credentials}{quote(self.path)}?virtual_host={self.database}"
        return self.location

    @property
    def broker_ssl(self) -> dict[str, Any] | None:
        """Return Celery's `broker_use_ssl`. Without it kombu does not verify the certificate of a `rediss://` server."""
        return self._tls_options if self.is_tls else None

    @property
    def broker_options(self) -> dict[str, Any]:
        """Return Celery's `broker_transport_options`; core.task_queue.redis_transport reads `connection_options`."""
        given = {name: value for name, value in self.options.items() if not name.startswith("ssl_")}
        transport: dict[str, Any] = {}
        if "max_connections" in given:
            transport["max_connections"] = max(given.pop("max_connections"), _MIN_BROKER_CONNECTIONS)
        if "socket_timeout" in given:
            given["socket_timeout"] = max(given["socket_timeout"], _MIN_BROKER_TIMEOUT)
        if given.get("health_check_interval"):
            transport["health_check_interval"] = given["health_check_interval"]
        return transport | {"connection_options": given}

    @property
    def cache_options(self) -> dict[str, Any]:
        """Return the keyword arguments of a connection pool for `location`."""
        plain = {name: value for name, value in self.options.items() if not name.startswith("ssl_")}
        return plain | (self._tls_options if self.is_tls else {})

    def client(self, **changes: Any) -> redis.Redis:
        return redis.Redis.from_url(self.location, **(self.cache_options | changes))

    def is_same_database(self, other: "RedisURL") -> bool:
        return all(getattr(self, name) == getattr(other, name) for name in ("host", "port", "path", "database"))

    @property
    def _tls_options(self) -> dict[str, Any]:
        given = {name: value for name, value in self.options.items() if name.startswith("ssl_")}
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True} | given

    @property
    def _credentials(self) -> str:
        if not self.username and not self.password:
            return ""
        password = f":{quote(self.password, safe='')}" if self.password else ""
        return f"{quote(self.username, safe='')}{password}@"

    @property
    def _server(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        return f"{self._credentials}{host}:{self.port}"


def parse(url: str) -> RedisURL:
    """Raise BadRedisURL if the URL is invalid."""
    try:
        parts, query = _split(url)
        server = _socket(parts) if parts.scheme in _SOCKET_SCHEMES else _tcp(parts)
        credentials = _credentials(parts, query)
        database = _database(parts, query)
    except BadRedisURL:
        raise
    except ValueError:  # its message may quote the password
        raise BadRedisURL(f"cannot be read; write {EXAMPLE}, with %3F for ? and %40 for @ in a password") from None
    given = {name: _option(name, text) for name, text in query.items()}
    _check_options(given, server)
    return RedisURL(**(server | credentials), database=database, options=given)


def _split(url: str) -> tuple[SplitResult, dict[str, str]]:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not url.startswith(f"{parts.scheme}://"):
        raise BadRedisURL("must start with redis://, rediss:// or unix://")
    # An @ after the ? means that the ? belongs to a password, which no error may quote.
    if parts.fragment or "@" in parts.query:
        raise ValueError
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), errors="strict")
    if len(dict(pairs)) != len(pairs):
        raise BadRedisURL("gives an option twice")
    return parts, dict(pairs)


def _socket(parts: SplitResult) -> dict[str, Any]:
    if parts.hostname or parts.port is not None or len(parts.path) < len("/x"):
        raise BadRedisURL("must name a socket by its absolute path, as in unix:///run/redis/redis.sock?db=0")
    path = _decoded(parts.path)
    if len(path.encode()) > _MAX_SOCKET_PATH or not path.isprintable():
        raise BadRedisURL(f"must name a socket by a path of at most {_MAX_SOCKET_PATH} printable bytes")
    return {"path": path}


def _tcp(parts: SplitResult) -> dict[str, Any]:
    port = parts.port if parts.port is not None else _DEFAULT_PORT
    if not port or "," in parts.netloc.rpartition("@")[2]:
        raise ValueError
    host = canonical_host(_decoded(parts.hostname or "localhost")).strip("[]")
    return {"host": host, "port": port, "is_tls": parts.scheme == "rediss"}


def _credentials(parts: SplitResult, query: dict[str, str]) -> dict[str, str]:
    """Read the credentials before the @ or, as redis-py allows, among the options."""
    written = {"username": parts.username, "password": parts.password}
    return {name: _decoded(written[name] or "") or query.pop(name, "") for name in _CREDENTIAL_NAMES}


def _database(parts: SplitResult, query: dict[str, str]) -> int:
    named = [query.pop(name) for name in _DATABASE_NAMES if name in query]
    if parts.scheme not in _SOCKET_SCHEMES and parts.path.strip("/"):
        named.append(_decoded(parts.path.strip("/")))
    if not all(text.isascii() and text.isdigit() for text in named):
        raise BadRedisURL("must name its database by a number, as in redis://host:6379/3 or ?db=3")
    numbers = {int(text) for text in named}
    if len(numbers) > 1:
        raise BadRedisURL("names two databases")
    number = numbers.pop() if numbers else 0
    if number > _MAX_DATABASE:
        raise BadRedisURL("names a database that no Redis has")
    return number


def _decoded(text: str) -> str:
    return unquote(text, errors="strict")


def _option(name: str, text: str) -> Any:
    reader: Callable[[str], Any] | None = options.READERS.get(name)
    if reader is None:
        names = ", ".join(sorted(options.READERS))
        raise BadRedisURL(f"has the option {name!r}, which is not supported; supported options are: db, {names}")
    try:
        return reader(text)
    except ValueError as error:
        raise BadRedisURL(f"has a bad option: {name} must be {error}") from None


def _check_options(given: Mapping[str, Any], server: Mapping[str, Any]) -> None:
    for name in given:
        if name.startswith("ssl_") and not server.get("is_tls"):
            raise BadRedisURL(f"has the option {name}, which needs rediss://")
        if name in options.ONLY_TCP and server.get("path"):
            raise BadRedisURL(f"has the option {name}, which has no effect on a Unix socket")
    problem = options.tls_problem(given)
    if problem:
        raise BadRedisURL(problem)
