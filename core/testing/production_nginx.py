"""The production's nginx: our template with TLS, on 127.0.0.1 and ports of its own, before processes that run already."""

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
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Front:
    http_port: int
    https_port: int
    folder: Path

    def send(
        self, host: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, source: str = HOST
    ) -> Answer:
        """Over TLS, by the name that the certificate is for, from an address of this machine."""
        context = ssl.create_default_context(cafile=self.folder / "docker" / "tls" / "fullchain.pem")
        connection = http.client.HTTPConnection(host, self.https_port, timeout=20)
        plain = socket.create_connection((HOST, self.https_port), timeout=20, source_address=(source, 0))
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        return _answer(connection, method, path, {"Host": host, **headers}, body)

    def send_in_clear(self, host: str, method: str, path: str) -> Answer:
        connection = http.client.HTTPConnection(HOST, self.http_port, timeout=20)
        return _answer(connection, method, path, {"Host": host}, b"")

    def log(self) -> str:
        return (self.folder / "access.log").read_text()


def _answer(
    connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@contextmanager
def running(folder: Path, *, web: list[int], app: int) -> Iterator[Front]:
    """Before the web processes and the application at these ports, with a certificate as make-secrets.sh makes it."""
    front = Front(bind_address.free_port(HOST), bind_address.free_port(HOST), folder)
    shutil.copytree(DOCKER, folder / "docker", ignore=shutil.ignore_patterns("secrets", "tls", ".env"))
    subprocess.run([folder / "docker" / "make-secrets.sh", AUTH_HOST, APP_HOST], check=True, capture_output=True)
    _write(front, web, app)
    log = folder / "nginx.log"
    with log.open("wb") as output:
        command: list[str | Path] = [program(), "-p", folder, "-e", folder / "main.log", "-c", folder / "nginx.conf"]
        process = processes.start(command, stdout=output, stderr=output)
    try:
        processes.wait_until(
            lambda: bind_address.answers(HOST, front.http_port, "/nginx-health"), process, log=log, seconds=_SECONDS
        )
        yield front
    finally:
        processes.stop(process, grace=_SECONDS)


def _write(front: Front, web: list[int], app: int) -> None:
    folder = front.folder
    variables = {
        "AUTH_HOST": AUTH_HOST,
        "APP_HOST": APP_HOST,
        "HTTP_PORT": f"{HOST}:{front.http_port}",
        "HTTPS_PORT": f"{HOST}:{front.https_port}",
        "TLS_DIRECTORY": str(folder / "docker" / "tls"),
        "LOG_DIRECTORY": str(folder),
        "WEB_PROCESSES": " ".join(f"server {HOST}:{port} max_fails=0;" for port in web),
        "APP_PROCESSES": f"server {HOST}:{app};",
    }
    template = (DOCKER / "nginx" / "vestibule.conf.template").read_text()
    (folder / "vestibule.conf").write_text(_BRACES.sub(lambda found: variables[found[1]], template))
    shutil.copytree(DOCKER / "nginx" / "snippets", folder / "vestibule")
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder))
