"""Checks of HOST and PORT, where the web server listens."""

import errno
import http.client
import socket

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (maps a wildcard, binds nothing)


class StartupError(Exception):
    """A server did not start. The message is written for the person at the terminal."""


def check_is_free(host: str, port: int) -> None:
    """Raise StartupError with a hint if the web server could not bind there."""
    try:
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _name, socket_address in candidates:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(socket_address)
    except OSError as error:
        raise StartupError(_explain(error, host, port)) from None


def local_host(host: str) -> str:
    """Return the host, or raise ValueError if this machine can bind none of its IPs."""
    try:
        candidates = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ValueError(host) from error
    if not any(_can_bind(family, socket_address) for family, _kind, _protocol, _name, socket_address in candidates):
        raise ValueError(host)
    return host


def _can_bind(family: int, socket_address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> bool:
    """Return whether this machine has the IP. `localhost` may resolve to ::1 on a machine without IPv6."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(socket_address)
    except OSError:
        return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that is free now. Another program may bind it before the caller does."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use. Stop the program that uses it, or choose another: make run PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"This user may not open port {port}; choose one above 1023: make run PORT=8000"
    return f"HOST={host} is not an address of this machine ({error.strerror})."


def url(host: str, port: int) -> str:
    """Return the URL for a browser on this machine. Browsers allow passkeys at `localhost`, but at no IP (WebAuthn §5.1.3)."""
    if host in _LOOPBACK or host in _LOOPBACK.values():
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def answers(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(_LOOPBACK.get(host, host), port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
