"""Requests through a proxy that nobody named are told of in the log, once."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from config.wsgi import Entrance
from core.http import forwarded_headers

PROXIED = {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}


@pytest.fixture(autouse=True)
def _a_new_process() -> Iterator[None]:
    forwarded_headers._noticed.clear()
    yield
    forwarded_headers._noticed.clear()


def test_the_first_of_them_is_told_with_the_address_to_name(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        forwarded_headers.notice(PROXIED)

    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "TRUSTED_PROXIES" in record.getMessage()
    assert "10.0.0.7" in record.getMessage()
    assert "203.0.113.9" not in record.getMessage()  # anybody may have written that


def test_whoever_comes_from_the_outside_may_be_a_client_and_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    forwarded_headers.notice(PROXIED | {"REMOTE_ADDR": "8.8.8.7"})

    assert "TRUSTED_PROXIES" in caplog.text
    assert "8.8.8.7" not in caplog.text


def test_the_web_server_looks_at_every_request(caplog: pytest.LogCaptureFixture) -> None:
    Entrance(lambda _environ, _start: [], at_once=1)(dict(PROXIED), lambda *_: None)

    assert "TRUSTED_PROXIES" in caplog.text


def test_nothing_is_told_without_such_headers_with_a_named_proxy_or_in_development(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    forwarded_headers.notice({"REMOTE_ADDR": "10.0.0.7"})
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    forwarded_headers.notice(PROXIED)
    settings.TRUSTED_PROXIES, settings.DEBUG = [], True
    forwarded_headers.notice(PROXIED)

    assert not caplog.records
