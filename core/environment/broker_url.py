"""Parses CELERY_BROKER_URL, a Redis or AMQP server, into Celery's settings."""

from dataclasses import dataclass, field
from ssl import CERT_NONE
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from core.environment import redis_url
from core.environment import redis_url_options as options
from core.environment.redis_url import BadRedisURL, RedisURL
from core.environment.web_origins import canonical_host

_AMQP_SCHEMES = frozenset({"amqp", "amqps", "pyamqp"})
# The names of TLS options in py-amqp.
_AMQP_NAMES = {
    "ssl_ca_certs": "ca_certs",
    "ssl_cert_reqs": "cert_reqs",
    "ssl_certfile": "certfile",
    "ssl_keyfile": "keyfile",
}


@dataclass(frozen=True, kw_only=True)
class Broker:
    """`redis` is None for a broker of another kind."""

    url: str = field(repr=False)
    ssl: dict[str, Any] | None = field(default=None, repr=False)
    options: dict[str, Any] = field(default_factory=dict)
    redis: RedisURL | None = None


def parse(url: str) -> Broker:
    """Raise BadRedisURL if the URL is invalid; its message quotes no secret."""
    scheme = url.partition("://")[0]
    if scheme in redis_url.SCHEMES:
        return from_redis_url(redis_url.parse(url))
    if scheme in _AMQP_SCHEMES:
        return _amqp(url)
    raise BadRedisURL("must start with redis://, rediss://, unix://, amqp:// or amqps://")


def from_redis_url(url: RedisURL) -> Broker:
    return Broker(url=url.broker_url, ssl=url.broker_ssl, options=url.broker_options, redis=url)


def _amqp(url: str) -> Broker:
    """Parse servers separated by semicolons. TLS allows one server, since kombu checks only the name of the first."""
    try:
        servers = [_amqp_server(server) for server in url.split(";")]
        if len(servers) > 1 and "amqps://" in url:
            raise BadRedisURL("names several servers with amqps://, which is not supported")
    except BadRedisURL:
        raise
    except ValueError:  # its message may quote the password
        raise BadRedisURL("cannot be read; write amqp://user:password@host:5672/vhost") from None
    tls = servers[0][1] if url.startswith("amqps://") else None
    return Broker(url=";".join(server for server, _tls in servers), ssl=tls)


def _amqp_server(url: str) -> tuple[str, dict[str, Any]]:
    parts = urlsplit(url)
    is_printable = all(character.isprintable() and not character.isspace() for character in url)
    if parts.scheme not in _AMQP_SCHEMES or parts.port == 0 or parts.fragment or "@" in parts.query or not is_printable:
        raise ValueError
    canonical_host(parts.hostname or "localhost")  # each worker would exit on a host that no resolver accepts
    unquote(f"{parts.username}{parts.password}{parts.path}", errors="strict")
    given: dict[str, Any] = {}
    for name, text in parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)):
        given[name] = _amqp_option(name, text, is_tls=parts.scheme == "amqps")
    problem = options.tls_problem(given)
    if problem:
        raise BadRedisURL(problem)
    tls = {_AMQP_NAMES[name]: value for name, value in given.items()}
    if tls.get("cert_reqs") != CERT_NONE:
        tls["server_hostname"] = None  # makes kombu pass the URL's host, which py-amqp then verifies
    return url.partition("?")[0], tls


def _amqp_option(name: str, text: str, *, is_tls: bool) -> Any:
    if name not in _AMQP_NAMES:
        raise BadRedisURL(
            f"has the option {name!r}, which is not supported; supported options are: {', '.join(_AMQP_NAMES)}"
        )
    if not is_tls:
        raise BadRedisURL(f"has the option {name}, which needs amqps://")
    try:
        return options.READERS[name](text)
    except ValueError as error:
        raise BadRedisURL(f"has a bad option: {name} must be {error}") from None
