"""Debian's nginx with an example of ours, on 127.0.0.1 and on ports of its own."""

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
# One process, and nothing outside its folder.
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
        """The answer, read; its connection is closed."""
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
    """With the example as it is, but for `replacements` and for where it listens."""
    port = bind_address.free_port(HOST)
    text = example.read_text()
    for old, new in ({"listen 80;": f"listen {HOST}:{port};"} | dict(replacements)).items():
        if old not in text:
            raise LookupError(f"{example} holds no {old}")
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
    """Debian keeps it where only root looks by itself."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail("nginx is not installed; these tests need it: apt-get install nginx-light")
    return found
