"""Debian's nginx with an example configuration of this project, on free loopback ports."""

import http.client
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.dev import processes
from core.web_server import bind_address

HOST = "127.0.0.1"
_SECONDS = 10.0
# One process that writes only below its folder.
_MAIN = """
daemon off;
master_process off;
pid "{folder}/nginx.pid";
error_log "{folder}/error.log";
events {{}}
http {{
    access_log off;
    client_body_temp_path "{folder}/body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
    include "{folder}/example.conf";
}}
"""


@dataclass(frozen=True)
class Nginx:
    port: int

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> http.client.HTTPResponse:
        """Return the response with its content read and its connection closed."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_SECONDS)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            response.content = response.read()  # type: ignore[attr-defined]
            return response
        finally:
            connection.close()


@contextmanager
def running(folder: Path, example: Path, replacements: Mapping[str, str]) -> Iterator[Nginx]:
    """Start nginx with the example, changed only by `replacements` and the port."""
    port = bind_address.free_port(HOST)
    text = example.read_text()
    for old, new in ({"listen 80;": f"listen {HOST}:{port};"} | dict(replacements)).items():
        if old not in text:
            raise LookupError(f"{example} does not contain {old}")
        text = text.replace(old, new)
    (folder / "example.conf").write_text(text)
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder))
    log = folder / "nginx.log"
    with log.open("wb") as output:
        command: list[str | Path] = [program(), "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
        process = processes.start(command, stdout=output, stderr=output)
    try:
        processes.wait_until(lambda: bind_address.answers(HOST, port, "/"), process, log=log, seconds=_SECONDS)
        yield Nginx(port)
    finally:
        processes.stop(process, grace=_SECONDS)


def program() -> str:
    """Return the path of nginx, which Debian installs outside the PATH of ordinary users."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.fail("nginx is not installed; these tests need it: apt-get install nginx-light")
    return path
