"""The client IP is the nearest IP in the chain that is not a trusted proxy."""

import ipaddress
from collections.abc import Iterable
from typing import Any

import pytest
from pytest_django import Settings

from config.wsgi import WsgiGateway
from core.http.client_ip import Network, client_ip

TRUSTED: list[Network] = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8", "203.0.113.7/32")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.1", "", "198.51.100.1"),
        ("198.51.100.1", "1.2.3.4", "198.51.100.1"),  # any client may send the header
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"),  # only the rightmost was written by the proxy
        ("10.0.0.1", "9.9.9.9, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 203.0.113.7, 10.0.0.2", "9.9.9.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, unknown", "10.0.0.1"),  # an unreadable entry makes all entries before it untrustworthy
        ("10.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.1", "2001:DB8:0::1", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("10.0.0.1", "0x7f.1", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4'; --", "10.0.0.1"),
        ("", "1.2.3.4", ""),  # a Unix socket has no IP
        ("unix:", "1.2.3.4", ""),
    ],
)
def test_the_client_ip_is_the_nearest_ip_that_is_not_a_trusted_proxy(peer: str, forwarded: str, expected: str) -> None:
    assert client_ip(peer, forwarded, TRUSTED) == expected


def test_without_trusted_proxies_headers_are_ignored() -> None:
    assert client_ip("10.0.0.1", "1.2.3.4", []) == "10.0.0.1"


def test_a_long_chain_of_proxies_is_read_to_its_end() -> None:
    assert client_ip("10.0.0.1", "1.2.3.4, " + "10.0.0.2, " * 5_000, TRUSTED) == "1.2.3.4"


@pytest.mark.parametrize(
    ("peer", "forwarded", "scheme"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "https, http", "http"),
        ("10.0.0.1", "HTTPS", "https"),
        ("10.0.0.1", "javascript", "http"),
        ("10.0.0.1", "", "http"),
        ("198.51.100.1", "https", "http"),
    ],
)
def test_only_a_trusted_proxy_can_set_the_scheme(settings: Settings, peer: str, forwarded: str, scheme: str) -> None:
    settings.TRUSTED_PROXIES = TRUSTED

    environ = _through_the_entrance(REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO=forwarded)

    assert environ["wsgi.url_scheme"] == scheme


def _through_the_entrance(**variables: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def inner(environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        seen.update(environ)
        return []

    WsgiGateway(inner, max_concurrency=1)({"wsgi.url_scheme": "http"} | variables, lambda *_args: None)
    return seen
