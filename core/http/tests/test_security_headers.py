"""What browsers are told by every answer, whoever gives it: views, files, preflights and errors."""

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
# A browser that is told to name no page sends forms with `Origin: null`, which nobody can tell from another site's.
IN_THE_ADMIN = {answer: {"Referrer-Policy": "same-origin"} for answer in ("/admin/login/", "a redirect")}
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
FOREIGN = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
PAGES = ["/", "/verify-email", "/reset-password", "/api/docs", "/api/redoc", "/admin/login/"]
ANSWERS: dict[str, tuple[int, Callable[[Client], Any]]] = {
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


def _ask(client: Client, answer: str) -> Any:
    reply = ANSWERS[answer][1](client)
    reply.close()
    return reply


@pytest.fixture
def client() -> Client:
    """Forms without a token are refused, as they are outside of tests."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_bears_the_headers(client: Client, answer: str) -> None:
    reply = _ask(client, answer)

    assert reply.status_code == ANSWERS[answer][0]
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert (ALWAYS | IN_THE_ADMIN.get(answer, {})).items() <= dict(reply.headers).items()


@pytest.mark.parametrize("fault", [OperationalError, RuntimeError])
def test_so_do_faults_of_the_server(client: Client, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]) -> None:
    def fail(**_: object) -> None:
        raise fault("SELECT secret")

    monkeypatch.setattr("accounts.services.passwords.request_reset", fail)
    client.raise_request_exception = False

    reply = client.post("/api/auth/forgot-password", {"email": "alice@example.com"}, "application/json")

    assert reply.status_code == (503 if fault is OperationalError else 500)
    assert ALWAYS.items() <= dict(reply.headers).items()
    assert reply["Content-Security-Policy"] == DATA_POLICY
    assert "SELECT" not in reply.content.decode()


@pytest.mark.parametrize(
    "answer", [name for name in ANSWERS if name not in {*PAGES, "a file", "a redirect", "a preflight"}]
)
def test_data_opened_as_a_page_loads_nothing(client: Client, answer: str) -> None:
    policy = _ask(client, answer)["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_scripts_of_its_own_site_alone_and_stands_in_no_frame(client: Client, page: str) -> None:
    policy = dict(part.split(" ", 1) for part in client.get(page)["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    # Only the admin's menus need functions made from text, and nowhere are scripts within a page run.
    assert policy["script-src"] == ("'self' 'unsafe-eval'" if page.startswith("/admin/") else "'self'")


@pytest.mark.parametrize("answer", ANSWERS)
def test_hsts_is_on_every_answer_where_it_is_on(client: Client, settings: Settings, answer: str) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True

    reply = _ask(client, answer)

    assert reply["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_hsts_binds_no_developers_machine(client: Client) -> None:
    assert "Strict-Transport-Security" not in client.get("/").headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", *PAGES[:-1], "/api/schema"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE"])
def test_what_only_shows_something_names_the_methods_that_it_takes(client: Client, method: str, path: str) -> None:
    reply = client.generic(method, path)

    assert reply.status_code == 405
    assert set(reply["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(("path", "allowed"), [("/login", {"POST"}), ("/verify-email", {"GET", "POST"})])
def test_so_does_the_api(path: str, allowed: set[str]) -> None:
    reply = ApiClient().put(path)

    assert reply.status_code == 405
    assert allowed <= set(reply["Allow"].split(", "))
    assert "PUT" not in reply["Allow"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/api/schema", "/api/auth/me", "/nothing"])
def test_no_answer_names_versions_hosts_or_addresses_of_servers(client: Client, path: str) -> None:
    reply = client.get(path)
    words = str(reply.headers) + (reply.content.decode() if path != "/api/schema" else "")

    for word in ("Django", "Python", "granian", "sqlite", "postgres", "redis://", "unix://", "X-Powered-By", "/var/"):
        assert word not in words


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/auth/nothing", "/admin/login/", "/verify-email"])
def test_what_may_hold_something_personal_is_not_stored(client: Client, path: str) -> None:
    assert "no-store" in client.get(path)["Cache-Control"]


def test_a_form_of_the_admin_needs_its_token(client: Client) -> None:
    reply = client.post("/admin/login/", {"username": "grace", "password": "Correct-Horse-7"})

    assert reply.status_code == 403
