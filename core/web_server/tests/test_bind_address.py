"""HOST and PORT: a start that cannot succeed is reported in one sentence."""

import socket
from collections.abc import Iterator

import pytest

from core.web_server import bind_address
from core.web_server.bind_address import StartupError


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_reported_with_a_free_one(taken_port: int) -> None:
    with pytest.raises(StartupError, match=rf"Port {taken_port} on 127\.0\.0\.1 is in use.*PORT={taken_port + 1}"):
        bind_address.check_is_free("127.0.0.1", taken_port)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_free_port_passes_and_can_be_bound(host: str) -> None:
    port = bind_address.free_port(host)

    bind_address.check_is_free(host, port)
    with socket.create_server((host, port)) as server:
        assert server.getsockname() == (host, port)


def test_a_host_of_another_machine_is_reported() -> None:
    with pytest.raises(StartupError, match=r"HOST=192\.0\.2\.1 is not an address of this machine"):
        bind_address.check_is_free("192.0.2.1", 8000)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, "http://localhost:8000") for host in ("127.0.0.1", "0.0.0.0", "::", "::1", "localhost")),
        ("192.0.2.1", "http://192.0.2.1:8000"),
        ("2001:db8::1", "http://[2001:db8::1]:8000"),
    ],
)
def test_the_banner_shows_a_url_where_a_browser_allows_passkeys(host: str, expected: str) -> None:
    assert bind_address.url(host, 8000) == expected


def test_a_host_is_local_if_one_of_its_ips_can_be_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):
        assert bind_address.local_host(host) == host
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in ("192.0.2.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: both)
    assert bind_address.local_host("localhost") == "localhost"
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: both[:1])
    with pytest.raises(ValueError, match="elsewhere"):
        bind_address.local_host("elsewhere")
