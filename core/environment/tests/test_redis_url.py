"""REDIS_URL and CELERY_BROKER_URL are parsed once, or refused at the start without their password."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from core.dev.tests.test_start import check
from core.environment import broker_url, redis_url
from core.environment.redis_url import BadRedisURL
from core.testing import certificates

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "location", "broker"),
    [
        ("redis://h", "redis://h:6379/0", "redis://h:6379/0"),
        ("redis://", "redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://h:1/3", "redis://h:1/3", "redis://h:1/3"),
        ("redis://h:1/3/", "redis://h:1/3", "redis://h:1/3"),
        ("redis://h:1?db=3", "redis://h:1/3", "redis://h:1/3"),
        ("redis://h:1/3?db=3", "redis://h:1/3", "redis://h:1/3"),
        ("redis://h?virtual_host=3", "redis://h:6379/3", "redis://h:6379/3"),
        ("redis://user@h", "redis://user@h:6379/0", "redis://user@h:6379/0"),
        ("redis://:p%40%3B@h", "redis://:p%40%3B@h:6379/0", "redis://:p%40%3B@h:6379/0"),
        ("redis://h?username=u&password=p", "redis://u:p@h:6379/0", "redis://u:p@h:6379/0"),
        (
            "rediss://münchen.example.",
            "rediss://xn--mnchen-3ya.example:6379/0",
            "rediss://xn--mnchen-3ya.example:6379/0",
        ),
        ("redis://[::1]:7/2", "redis://[::1]:7/2", "redis://[::1]:7/2"),
        ("rediss://h/2", "rediss://h:6379/2", "rediss://h:6379/2"),
        ("unix:///a/b%23c.sock?db=3", "unix:///a/b%23c.sock?db=3", "redis+socket:///a/b%23c.sock?virtual_host=3"),
        ("unix://u:p@/a?db=3", "unix://u:p@/a?db=3", "redis+socket://u:p@/a?virtual_host=3"),
        ("redis+socket:///a?virtual_host=3", "unix:///a?db=3", "redis+socket:///a?virtual_host=3"),
        ("redis+socket:///a", "unix:///a?db=0", "redis+socket:///a?virtual_host=0"),
    ],
)
def test_both_spellings_of_a_url_name_the_same_database(url: str, location: str, broker: str) -> None:
    result = redis_url.parse(url)

    assert (result.location, result.broker_url) == (location, broker)
    assert redis_url.parse(result.location) == redis_url.parse(result.broker_url) == result


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("socket_timeout=5", {"socket_timeout": 5.0}),
        ("socket_connect_timeout=0.5", {"socket_connect_timeout": 0.5}),
        ("health_check_interval=30", {"health_check_interval": 30}),
        ("max_connections=50", {"max_connections": 50}),
        ("socket_keepalive=True", {"socket_keepalive": True}),
        ("protocol=3", {"protocol": 3}),
        ("client_name=auth", {"client_name": "auth"}),
        ("ssl_cert_reqs=none", {"ssl_cert_reqs": ssl.CERT_NONE}),
        ("ssl_cert_reqs=CERT_NONE", {"ssl_cert_reqs": ssl.CERT_NONE}),
        ("ssl_cert_reqs=required", {"ssl_cert_reqs": ssl.CERT_REQUIRED}),
        ("ssl_cert_reqs=CERT_REQUIRED", {"ssl_cert_reqs": ssl.CERT_REQUIRED}),
        ("ssl_check_hostname=False", {"ssl_check_hostname": False}),
    ],
)
def test_an_option_has_its_type_for_cache_and_broker(query: str, expected: dict[str, Any]) -> None:
    result = redis_url.parse(f"rediss://h?{query}")

    assert result.options == expected
    assert expected.items() <= result.cache_options.items()
    broker = {**result.broker_options, **result.broker_options["connection_options"], **(result.broker_ssl or {})}
    assert expected.items() <= broker.items()


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("redis://h", "redis://u:p@h:6379/0", True), ("unix:///a", "unix://u:p@/a?db=0", True),
        ("redis://h", "redis://h/1", False), ("redis://h", "redis://h:1", False), ("unix:///a", "unix:///b", False),
    ],
)  # fmt: skip
def test_credentials_do_not_distinguish_databases(first: str, second: str, is_same: bool) -> None:
    assert redis_url.parse(first).is_same_database(redis_url.parse(second)) is is_same


def test_tls_is_verified_unless_the_url_disables_it() -> None:
    result = redis_url.parse("rediss://h")

    verified = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    assert (result.cache_options, result.broker_ssl) == (verified, verified)
    assert broker_url.parse("amqps://h").ssl == {"server_hostname": None}
    assert broker_url.parse("amqps://h?ssl_cert_reqs=none").ssl == {"cert_reqs": ssl.CERT_NONE}


def test_unreadable_certificates_are_refused_at_start(tmp_path: Path) -> None:
    authority = certificates.authority(tmp_path / "ca")
    pair = authority.certificate_for("client")

    result = redis_url.parse(f"rediss://h?ssl_ca_certs={authority.file}&ssl_certfile={pair}&ssl_keyfile={pair}")

    assert result.broker_ssl == result.cache_options
    assert result.cache_options["ssl_ca_certs"] == str(authority.file)
    for name in ("ssl_ca_certs", "ssl_certfile"):
        with pytest.raises(BadRedisURL, match="cannot be read"):
            redis_url.parse(f"rediss://h?{name}={tmp_path}/missing.pem")


BAD = [
    "hunter2",
    "http://:hunter2@h",
    "redis:h",
    "redis://:hunter2@h:port/0",
    "redis://:hunter2@h:0/0",
    "redis://:hunter2@h/three",
    "redis://:hunter2@h/-1",
    "redis://:hunter2@h/3?db=4",
    "redis://:hunter2@h?db=3&db=3",
    "redis://:hunter2@h?db=",
    "redis://:hunter2@h?db",
    "redis://:hunter2@h?no_such_option=1",
    "redis://:hunter2@h?retry_on_timeout=1",
    "redis://:hunter2@h?socket_timeout=soon",
    "redis://:hunter2@h?socket_timeout=0",
    "redis://:hunter2@h?socket_timeout=inf",
    "redis://:hunter2@h?health_check_interval=-1",
    "redis://:hunter2@h?max_connections=0",
    "redis://:hunter2@h?protocol=4",
    "redis://:hunter2@h?socket_keepalive=perhaps",
    "redis://:hunter2@h?client_name=a%20b",
    "redis://:hunter2@h?ssl_cert_reqs=none",
    "rediss://:hunter2@h?ssl_cert_reqs=sometimes",
    "rediss://:hunter2@h?ssl_keyfile=/dev/null",
    "redis://:a?hunter2=b@h",
    "redis://:a#hunter2@h",
    "redis://:a/hunter2@h",
    "redis://:hunter2%ff@h",
    "redis://:hunter2@h /0",
    "redis://:hunter2@h\n",
    "redis://:hunter2@a,b/0",
    "redis://:hunter2@a..b/0",
    "redis://:hunter2@./0",
    "redis://:hunter2@h%2F",
    "redis://:hunter2@h%20h",
    "redis://:hunter2@300.1.1.1",
    "redis://:hunter2@h/2147483648",
    "redis://:hunter2@h?db=99999999999999999999",
    "redis://:hunter2@h?socket_timeout=1e-9",
    "redis://:hunter2@h?socket_timeout=1e300",
    "redis://:hunter2@h?socket_connect_timeout=3601",
    "redis://:hunter2@h?health_check_interval=99999999999999999",
    "redis://:hunter2@h?max_connections=99999999999999999999",
    "unix:///hunter2%00",
    f"unix:///hunter2{'x' * 107}",
    "unix://relative/hunter2",
    "unix://:hunter2@/a?socket_keepalive=true",
    "unix://:hunter2@/a?ssl_ca_certs=/a",
    "unix://",
]


@pytest.mark.parametrize("url", BAD)
def test_an_invalid_redis_url_is_refused_without_quoting_its_password(url: str) -> None:
    for parse in (redis_url.parse, broker_url.parse):
        with pytest.raises(BadRedisURL) as refusal:
            parse(url)

        assert SECRET not in str(refusal.value)
        assert refusal.value.__cause__ is None
        assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "hunter2", "localhost:6379", "memory://", "sentinel://h", "sqs://", "amqp://u:hunter2@h:port//",
        "amqp://u:hunter2@h?heartbeat=3", "amqp://u:hunter2@h?ssl_cert_reqs=none", "amqp://a;redis://:hunter2@h",
        "amqps://u:hunter2@a;amqps://u:hunter2@b", "amqp://u:hunter2@h:0", "amqp://u:hunter2@h /",
        "amqp://u:hunter2@a..b", "amqp://u:hunter2@h%2F", "amqp://u:hunter2%ff@h", "amqp://u:hunter2@a;amqp://u:hunter2@b..c",
    ],
)  # fmt: skip
def test_an_invalid_broker_url_is_refused_without_quoting_its_password(url: str) -> None:
    with pytest.raises(BadRedisURL) as refusal:
        broker_url.parse(url)

    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("url", ["amqp://", "amqp://u:p@h:5672//", "pyamqp://h", "amqps://h/v", "amqp://a;amqp://b"])
def test_an_amqp_url_is_passed_to_celery_unchanged(url: str) -> None:
    result = broker_url.parse(url)

    assert (result.url, result.redis) == (url, None)


def test_no_repr_contains_the_password() -> None:
    for result in (redis_url.parse("redis://:hunter2@h?max_connections=3"), broker_url.parse("redis://:hunter2@h")):
        assert SECRET not in repr(result)


@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
@pytest.mark.parametrize("url", [BAD[0], BAD[3], BAD[5], BAD[11], BAD[21], BAD[24]])
def test_an_invalid_url_stops_the_start_with_the_name_of_its_variable(name: str, url: str) -> None:
    result = check(**{name: url})

    assert result.returncode == 1
    assert result.stderr.startswith(f"{name} "), result.stderr
    assert result.stderr.count("\n") == 1
    assert SECRET not in result.stdout + result.stderr


def test_celery_reads_no_environment_variable_by_itself() -> None:
    """Celery would otherwise prefer CELERY_BROKER_READ_URL, without verification."""
    for name in ("CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
        result = check(**{name: "redis://:hunter2@h"})

        assert result.returncode == 1
        assert result.stderr.startswith(f"{name} is not supported")
