"""The security headers of every response: of views, files, preflights and errors."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from accounts.testing.api_client import ApiClient

pytestmark = pytest.mark.django_db

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Under `no-referrer` a browser sends forms with `Origin: null`, which the CSRF check rejects.
IN_THE_ADMIN = {case: {"Referrer-Policy": "same-origin"} for case in ("/admin/login/", "a redirect")}
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
FOREIGN = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
PAGES = ["/", "/verify-email", "/reset-password", "/api/docs", "/api/redoc", "/admin/login/"]
RESPONSES: dict[str, tuple[int, Callable[[Client], Any]]] = {
    "success": (200, lambda client: client.post("/api/auth/logout", content_type="application/json")),
    "not signed in": (401, lambda client: client.get("/api/auth/me")),
    "not valid": (400, lambda client: client.post("/api/auth/login", {}, "application/json")),
    "no JSON": (415, lambda client: client.post("/api/auth/login", {"a": "b"})),
    "too large": (413, lambda client: client.post("/api/auth/login", "x" * 70_000, "application/json")),
    "no such path": (404, lambda client: client.get("/api/auth/nothing")),
    "no such path anywhere": (404, lambda client: client.get("/nothing")),
    "no such method": (405, lambda client: client.delete("/api/auth/login")),
    "no such method of a page": (405, lambda client: client.delete("/verify-email")),
    "another's host": (400, lambda client: client.get("/api/auth/me", headers={"Host": "evil.example"})),
    "a preflight": (200, lambda client: client.options("/api/auth/login", headers=FOREIGN)),
    "the schema": (200, lambda client: client.get("/api/schema")),
    "the process": (200, lambda client: client.get("/healthz")),
    "the servers behind it": (200, lambda client: client.get("/readyz")),
    "a file": (200, lambda client: client.get("/static/vestibule/mark.svg")),
    "a redirect": (302, lambda client: client.get("/admin/")),
} | {page: (200, lambda client, page=page: client.get(page)) for page in PAGES}


def _send(client: Client, case: str) -> Any:
    response = RESPONSES[case][1](client)
    response.close()
    return response


@pytest.fixture
def client() -> Client:
    """Return a client with CSRF checks, which Django's test client disables by default."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("case", RESPONSES)
def test_every_response_has_the_headers(client: Client, case: str) -> None:
    response = _send(client, case)

    assert response.status_code == RESPONSES[case][0]
    assert "Access-Control-Allow-Origin" not in response.headers
    assert (ALWAYS | IN_THE_ADMIN.get(case, {})).items() <= dict(response.headers).items()


@pytest.mark.parametrize("fault", [OperationalError, RuntimeError])
def test_server_errors_have_the_headers_too(
    client: Client, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def fail(**_: object) -> None:
        raise fault("SELECT secret")

    monkeypatch.setattr("accounts.services.passwords.request_reset", fail)
    client.raise_request_exception = False

    response = client.post("/api/auth/forgot-password", {"email": "alice@example.com"}, "application/json")

    assert response.status_code == (503 if fault is OperationalError else 500)
    assert ALWAYS.items() <= dict(response.headers).items()
    assert response["Content-Security-Policy"] == DATA_POLICY
    assert "SELECT" not in response.content.decode()


@pytest.mark.parametrize(
    "case", [name for name in RESPONSES if name not in {*PAGES, "a file", "a redirect", "a preflight"}]
)
def test_data_that_is_opened_as_a_page_loads_nothing(client: Client, case: str) -> None:
    policy = _send(client, case)["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_only_scripts_of_its_own_site_and_is_in_no_frame(client: Client, page: str) -> None:
    policy = dict(part.split(" ", 1) for part in client.get(page)["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    # Only the admin's menus need `unsafe-eval`, and no page may run inline scripts.
    assert policy["script-src"] == ("'self' 'unsafe-eval'" if page.startswith("/admin/") else "'self'")


@pytest.mark.parametrize("case", RESPONSES)
def test_every_response_has_hsts_if_it_is_on(client: Client, settings: Settings, case: str) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True

    response = _send(client, case)

    assert response["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_there_is_no_hsts_in_development(client: Client) -> None:
    assert "Strict-Transport-Security" not in client.get("/").headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", *PAGES[:-1], "/api/schema"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE"])
def test_a_read_only_path_names_its_methods(client: Client, method: str, path: str) -> None:
    response = client.generic(method, path)

    assert response.status_code == 405
    assert set(response["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(("path", "allowed"), [("/login", {"POST"}), ("/verify-email", {"GET", "POST"})])
def test_the_api_names_its_methods(path: str, allowed: set[str]) -> None:
    response = ApiClient().put(path)

    assert response.status_code == 405
    assert allowed <= set(response["Allow"].split(", "))
    assert "PUT" not in response["Allow"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/api/schema", "/api/auth/me", "/nothing"])
def test_no_response_reveals_versions_hosts_or_servers(client: Client, path: str) -> None:
    response = client.get(path)
    words = str(response.headers) + (response.content.decode() if path != "/api/schema" else "")

    for word in ("Django", "Python", "granian", "sqlite", "postgres", "redis://", "unix://", "X-Powered-By", "/var/"):
        assert word not in words


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/auth/nothing", "/admin/login/", "/verify-email"])
def test_personal_data_is_not_stored(client: Client, path: str) -> None:
    assert "no-store" in client.get(path)["Cache-Control"]


def test_a_form_of_the_admin_requires_its_csrf_token(client: Client) -> None:
    response = client.post("/admin/login/", {"username": "grace", "password": "Correct-Horse-7"})

    assert response.status_code == 403
