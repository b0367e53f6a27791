"""The WSGI environ of an ASGI request."""

import functools
import sys
from collections.abc import MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
Scope = MutableMapping[str, Any]

# CGI has no `HTTP_` before these two (RFC 3875, section 4.1).
_WITHOUT_PREFIX = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
_CONSTANT = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def build_environ(scope: Scope, body: bytes | None) -> Environ:
    """Return the environ of PEP 3333, in which text is bytes decoded as latin-1."""
    server, client = scope.get("server") or ("", ""), scope.get("client") or ("", "")
    environ: Environ = _CONSTANT | {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": "HTTP/1.1" if scope["http_version"] == "1.1" else "HTTP/1.0",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body or b""),
    }
    for name, value in scope["headers"]:
        key = _environ_key(name)
        if key is not None:
            _add_header(environ, key, value.decode("latin-1"))
    if body is not None:
        environ.pop("HTTP_TRANSFER_ENCODING", None)  # the server has removed the chunks' framing
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


@functools.lru_cache(maxsize=512)
def _environ_key(name: bytes) -> str | None:
    """Return None for a name with an underscore: it would pass for the name with a hyphen, which a proxy may have set."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in _WITHOUT_PREFIX else f"HTTP_{key}"


def _add_header(environ: Environ, key: str, value: str) -> None:
    """Join the values of a repeated header: cookies by a semicolon (RFC 9113, section 8.2.3), others by a comma."""
    if key in environ:
        value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
    environ[key] = value
