"""A proxy that TRUSTED_PROXIES does not name is reported in the log, once."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from config.wsgi import WsgiGateway
from core.http import forwarded_headers

PROXIED = {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    forwarded_headers._has_warned.clear()
    yield
    forwarded_headers._has_warned.clear()


def test_the_first_forwarded_request_logs_the_ip_of_the_proxy(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        forwarded_headers.warn_if_unconfigured(PROXIED)

    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "TRUSTED_PROXIES" in record.getMessage()
    assert "10.0.0.7" in record.getMessage()
    assert "203.0.113.9" not in record.getMessage()  # the client may have sent the header


def test_a_public_ip_may_belong_to_a_client_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    forwarded_headers.warn_if_unconfigured(PROXIED | {"REMOTE_ADDR": "8.8.8.7"})

    assert "TRUSTED_PROXIES" in caplog.text
    assert "8.8.8.7" not in caplog.text


def test_the_wsgi_gateway_checks_every_request(caplog: pytest.LogCaptureFixture) -> None:
    WsgiGateway(lambda _environ, _start: [], max_concurrency=1)(dict(PROXIED), lambda *_: None)

    assert "TRUSTED_PROXIES" in caplog.text


def test_nothing_is_logged_without_such_headers_with_a_trusted_proxy_or_in_development(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    forwarded_headers.warn_if_unconfigured({"REMOTE_ADDR": "10.0.0.7"})
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    forwarded_headers.warn_if_unconfigured(PROXIED)
    settings.TRUSTED_PROXIES, settings.DEBUG = [], True
    forwarded_headers.warn_if_unconfigured(PROXIED)

    assert not caplog.records
