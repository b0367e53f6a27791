"""Production's layout: nginx with TLS, two web servers with DEBUG off, worker and beat apart, mail by SMTP, an application
behind forward-auth. `make test-deployment` runs these, on PostgreSQL.
"""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from accounts.testing import mail_server
from accounts.testing.api_client import PASSWORD
from accounts.testing.mail_server import MailServer, plain_text
from core.dev import processes
from core.ids import new_id
from core.paths import BASE_DIR
from core.testing import live_database, live_server, production_nginx
from core.testing.live_server import LiveServer
from core.testing.production_nginx import APP_HOST, AUTH_HOST, NginxResponse, ProductionNginx
from core.testing.waiting import wait_until
from core.web_server import bind_address, commands

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("production")


@pytest.fixture(scope="module")
def mailbox() -> Iterator[MailServer]:
    with mail_server.listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def web(folder: Path, mailbox: MailServer, django_db_blocker: DjangoDbBlocker) -> Iterator[list[LiveServer]]:
    names = _variables(mailbox)
    with ExitStack() as stack:
        stack.enter_context(live_database.in_use(folder, django_db_blocker))
        servers = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            servers.append(stack.enter_context(live_server.running(folder / name, **names)))
        for command in (commands.worker(concurrency=1), commands.beat(folder=folder)):
            stack.callback(processes.stop, _started(folder, command, names), grace=5)
        yield servers


@pytest.fixture(scope="module")
def production(folder: Path, web: list[LiveServer]) -> Iterator[ProductionNginx]:
    port = bind_address.free_port()
    application = [sys.executable, "docker/examples/app/app.py"]
    process = _started(folder, application, {"PORT": str(port)})
    try:
        (folder / "nginx").mkdir()
        with production_nginx.running(folder / "nginx", web=[server.port for server in web], app=port) as running:
            yield running
    finally:
        processes.stop(process, grace=5)


def _variables(mailbox: MailServer) -> dict[str, str]:
    secrets = {name: os.urandom(32).hex() for name in ("SECRET_KEY", "JWT_SECRET_KEY", "MFA_ENCRYPTION_KEYS")}
    return secrets | {
        "DEBUG": "off",
        "ALLOWED_HOSTS": AUTH_HOST,
        "PUBLIC_URL": f"https://{AUTH_HOST}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "EMAIL_URL": mailbox.url,
        "DEFAULT_FROM_EMAIL": "Example <no-reply@example.com>",
        "PASSWORD_REJECT_COMMON": "off",
    }


def _started(folder: Path, command: commands.Command, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "others.log").open("ab") as log:
        environment = live_server.environment(**variables)
        return processes.start(list(command), cwd=BASE_DIR, env=environment, stdout=log, stderr=log)


def _send(
    site: ProductionNginx,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> NginxResponse:
    raw = b"" if body is None else json.dumps(body).encode()
    return site.send(AUTH_HOST, method, f"/api/auth{path}", {"Content-Type": "application/json"} | (headers or {}), raw)


def _registered(site: ProductionNginx, mailbox: MailServer) -> tuple[dict[str, str], EmailMessage]:
    name = f"u{new_id().hex[-20:]}"
    person = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
    assert _send(site, "POST", "/register", person).status == 201
    wait_until(lambda: bool(mailbox.accepted[person["email"]]), seconds=20)
    return person, mailbox.accepted[person["email"]][0]


def _signed_in(site: ProductionNginx, mailbox: MailServer, headers: dict[str, str] | None = None) -> NginxResponse:
    person, message = _registered(site, mailbox)
    code = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", plain_text(message)))
    assert code
    assert _send(site, "POST", "/verify-email", {"email": person["email"], "code": code[1]}).status == 200
    response = _send(site, "POST", "/login", {"identifier": person["username"], "password": PASSWORD}, headers)
    assert response.status == 200, response
    return response


def _token(response: NginxResponse) -> str:
    return str(json.loads(response.body)["data"]["token"])


def test_a_user_registers_by_email_uses_the_application_and_signs_out(
    production: ProductionNginx, mailbox: MailServer
) -> None:
    login = _signed_in(production, mailbox)
    bearer = {"Authorization": f"Bearer {_token(login)}"}
    assert all("Secure" in cookie and "HttpOnly" in cookie for cookie in login.headers.get_all("Set-Cookie", []))

    inside = production.send(APP_HOST, "GET", "/", {**bearer, "X-Auth-Role": "ADMIN", "X_Auth_Role": "ADMIN"})
    assert (inside.status, json.loads(inside.body)["X-Auth-Role"]) == (200, "USER")

    assert _send(production, "POST", "/logout", headers=bearer).status == 200
    assert production.send(APP_HOST, "GET", "/", bearer).status == 401
    assert json.loads(_send(production, "GET", "/me", headers=bearer).body)["code"] == "session_revoked"


def test_the_client_ip_is_the_one_nginx_sees_despite_forged_headers(
    production: ProductionNginx, mailbox: MailServer
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X_Forwarded_For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    login = _signed_in(production, mailbox, forged)

    assert json.loads(login.body)["data"]["session"]["ip"] == "127.0.0.1"


def test_a_request_has_one_id_in_all_logs_and_no_log_contains_its_secret(production: ProductionNginx) -> None:
    response = _send(production, "GET", "/verify-email?token=a-secret-of-a-link&email=a@example.com")

    _is_logged(production, response)
    assert f"{response.status} " in production.log()
    assert "a-secret-of-a-link" not in production.log()
    assert "a-secret-of-a-link" not in (production.folder / "error.log").read_text()


def test_plain_http_redirects_and_metrics_are_not_public(production: ProductionNginx) -> None:
    moved = production.send_without_tls(AUTH_HOST, "POST", "/api/auth/login?x=1")

    assert (moved.status, moved.headers["Location"]) == (308, f"https://{AUTH_HOST}/api/auth/login?x=1")
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics"):
        assert production.send(AUTH_HOST, "GET", path, {}).status == 404
    with pytest.raises(http.client.RemoteDisconnected):
        production.send_without_tls("evil.example", "GET", "/")


@pytest.mark.parametrize("size", [70_000, 200_000])
def test_a_large_body_gets_the_error_envelope_from_nginx_and_the_service(
    production: ProductionNginx, size: int
) -> None:
    response = _send(production, "POST", "/login", {"identifier": "a" * size, "password": "x"})

    assert (response.status, json.loads(response.body)["code"]) == (413, "payload_too_large")
    _is_logged(production, response)


def _is_logged(site: ProductionNginx, response: NginxResponse) -> None:
    """Wait for the log line, which nginx writes after its response."""
    wait_until(lambda: str(response.headers["X-Request-Id"]) in site.log())


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/auth/%00", 400, "bad_request"),
        ("/api/../../etc/passwd", 400, "bad_request"),
        ("/api/auth/" + "a" * 20_000, 414, "payload_too_large"),
    ],
    ids=["NUL", "out of the root", "too long"],
)
def test_a_malformed_request_gets_the_error_envelope_too(
    production: ProductionNginx, path: str, status: int, code: str
) -> None:
    response = production.send(AUTH_HOST, "GET", path, {})

    assert (response.status, json.loads(response.body)["code"]) == (status, code)
    assert (len(response.headers["X-Request-Id"]), response.headers["X-Content-Type-Options"]) == (32, "nosniff")


def test_a_user_without_access_gets_the_error_envelope_too(production: ProductionNginx, mailbox: MailServer) -> None:
    signed_out = production.send(APP_HOST, "GET", "/", {})
    cookie = {"Cookie": f"jwt={_token(_signed_in(production, mailbox))}", "Origin": "https://evil.example"}
    forged = production.send(APP_HOST, "POST", "/", cookie)

    assert [(response.status, json.loads(response.body)["code"]) for response in (signed_out, forged)] == [
        (401, "authentication_required"), (403, "permission_denied"),
    ]  # fmt: skip
    assert signed_out.headers["WWW-Authenticate"] == "Bearer"
    for response in (signed_out, forged):
        _is_logged(production, response)


def test_a_flood_from_one_ip_is_limited_by_nginx(production: ProductionNginx) -> None:
    with ThreadPoolExecutor(16) as pool:
        responses = list(
            pool.map(lambda _: production.send(AUTH_HOST, "GET", "/healthz", {}, source="127.0.0.2"), range(400))
        )

    refused = [response for response in responses if response.status != 200]
    assert {(response.status, response.headers["Retry-After"]) for response in refused} <= {(429, "1")}
    assert all(json.loads(response.body)["code"] == "rate_limited" for response in refused)
