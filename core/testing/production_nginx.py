"""Debian's nginx with the production template and TLS, on free loopback ports, in front of running processes."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.dev import processes
from core.paths import BASE_DIR
from core.testing.nginx import HOST, program
from core.web_server import bind_address

AUTH_HOST, APP_HOST = "auth.example.com", "app.example.com"
DOCKER = BASE_DIR / "docker"
_SECONDS = 10.0
_BRACES = re.compile(r"\$\{(\w+)\}")
_MAIN = """
daemon off;
master_process off;
pid "{folder}/nginx.pid";
error_log "{folder}/main.log";
events {{}}
http {{
    client_body_temp_path "{folder}/body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
    include "{folder}/vestibule.conf";
}}
"""


@dataclass(frozen=True)
class NginxResponse:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class ProductionNginx:
    http_port: int
    https_port: int
    folder: Path

    def send(
        self, host: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, source: str = HOST
    ) -> NginxResponse:
        """Send a request over TLS to the certificate's host name, from the local IP `source`."""
        context = ssl.create_default_context(cafile=self.folder / "docker" / "tls" / "fullchain.pem")
        connection = http.client.HTTPConnection(host, self.https_port, timeout=20)
        plain = socket.create_connection((HOST, self.https_port), timeout=20, source_address=(source, 0))
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        return _exchange(connection, method, path, {"Host": host, **headers}, body)

    def send_without_tls(self, host: str, method: str, path: str) -> NginxResponse:
        connection = http.client.HTTPConnection(HOST, self.http_port, timeout=20)
        return _exchange(connection, method, path, {"Host": host}, b"")

    def log(self) -> str:
        return (self.folder / "access.log").read_text()


def _exchange(
    connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> NginxResponse:
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return NginxResponse(response.status, response.headers, response.read())
    finally:
        connection.close()


@contextmanager
def running(folder: Path, *, web: list[int], app: int) -> Iterator[ProductionNginx]:
    """Start nginx in front of the web processes and the application, with a certificate of make-secrets.sh."""
    nginx = ProductionNginx(bind_address.free_port(HOST), bind_address.free_port(HOST), folder)
    shutil.copytree(DOCKER, folder / "docker", ignore=shutil.ignore_patterns("secrets", "tls", ".env"))
    subprocess.run([folder / "docker" / "make-secrets.sh", AUTH_HOST, APP_HOST], check=True, capture_output=True)
    _write(nginx, web, app)
    log = folder / "nginx.log"
    with log.open("wb") as output:
        command: list[str | Path] = [program(), "-p", folder, "-e", folder / "main.log", "-c", folder / "nginx.conf"]
        process = processes.start(command, stdout=output, stderr=output)
    try:
        processes.wait_until(
            lambda: bind_address.answers(HOST, nginx.http_port, "/nginx-health"), process, log=log, seconds=_SECONDS
        )
        yield nginx
    finally:
        processes.stop(process, grace=_SECONDS)


def _write(nginx: ProductionNginx, web: list[int], app: int) -> None:
    folder = nginx.folder
    variables = {
        "AUTH_HOST": AUTH_HOST,
        "APP_HOST": APP_HOST,
        "HTTP_PORT": f"{HOST}:{nginx.http_port}",
        "HTTPS_PORT": f"{HOST}:{nginx.https_port}",
        "TLS_DIRECTORY": str(folder / "docker" / "tls"),
        "LOG_DIRECTORY": str(folder),
        "WEB_PROCESSES": " ".join(f"server {HOST}:{port} max_fails=0;" for port in web),
        "APP_PROCESSES": f"server {HOST}:{app};",
    }
    template = (DOCKER / "nginx" / "vestibule.conf.template").read_text()
    (folder / "vestibule.conf").write_text(_BRACES.sub(lambda match: variables[match[1]], template))
    shutil.copytree(DOCKER / "nginx" / "snippets", folder / "vestibule")
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder))
