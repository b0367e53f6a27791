"""HOST and PORT: which are free, whether the web server can have them, and when it answers there."""

import errno
import http.client
import socket

from core.dev.processes import CannotStart

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (a wildcard is looked up here, not listened on)


def check_is_free(host: str, port: int) -> None:
    """Raise `CannotStart` with a sentence that says what to do, before anything has been started."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _name, address in addresses:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        raise CannotStart(_explain(error, host, port)) from None


def local_host(host: str) -> str:
    """Return the host, or raise ValueError if no server of this machine can listen at any of its addresses."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ValueError(host) from error
    if not any(_can_bind(family, address) for family, _kind, _protocol, _name, address in found):
        raise ValueError(host)
    return host


def _can_bind(family: int, address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> bool:
    """`localhost` may name ::1 on a machine without IPv6."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """One that nothing listens on now; another program may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use. Stop what uses it, or choose another: make run PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user; choose one above 1023: make run PORT=8000"
    return f"HOST={host} is no address of this machine ({error.strerror})."


def url(host: str, port: int) -> str:
    """What a browser on this machine opens."""
    local = _ANYWHERE.get(host, host)
    return f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"


def answers(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(_ANYWHERE.get(host, host), port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
