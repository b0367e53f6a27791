"""The Traefik example configures forward auth, header removal and preflights. (No test runs Traefik.)"""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.urls import resolve

from accounts.api.views.forward_auth import ForwardAuthViewSet
from core.paths import BASE_DIR

HEADERS = {"X-Auth-User-Id", "X-Auth-Username", "X-Auth-Role", "X-Auth-Session-Id", "X-Auth-Acr", "X-Auth-Time"}


@pytest.fixture
def http() -> dict[str, Any]:
    written = (BASE_DIR / "docker" / "examples" / "traefik" / "dynamic.yml").read_text()
    return dict(yaml.safe_load(written)["http"])


def test_traefik_asks_forward_auth_and_copies_the_identity_headers(http: dict[str, Any]) -> None:
    forward_auth = http["middlewares"]["vestibule"]["forwardAuth"]

    assert resolve(urlsplit(forward_auth["address"]).path).func.cls is ForwardAuthViewSet  # type: ignore[attr-defined]
    assert set(forward_auth["authResponseHeaders"]) == HEADERS
    assert forward_auth["trustForwardHeader"] is False


def test_traefik_removes_identity_headers_of_clients_first(http: dict[str, Any]) -> None:
    dropped = http["middlewares"]["no-borrowed-identity"]["headers"]["customRequestHeaders"]

    assert dropped == dict.fromkeys(HEADERS, "")  # for Traefik an empty value removes the header
    assert all(router["middlewares"][0] == "no-borrowed-identity" for router in http["routers"].values())


def test_the_application_receives_neither_cookie_nor_token(http: dict[str, Any]) -> None:
    removed = http["middlewares"]["no-credentials"]["headers"]["customRequestHeaders"]

    assert removed == {"Cookie": "", "Authorization": ""}
    assert all(router["middlewares"][-1] == "no-credentials" for router in http["routers"].values())
    assert http["routers"]["app"]["middlewares"][-2] == "vestibule"  # which reads them, so just before


def test_only_a_preflight_passes_without_authentication(http: dict[str, Any]) -> None:
    unasked = {name for name, router in http["routers"].items() if "vestibule" not in router["middlewares"]}

    assert unasked == {"app-preflight", "passkeys"}
    rule, usual = (http["routers"][name]["rule"] for name in ("app-preflight", "app"))
    assert rule.startswith(f"{usual} && Method(`OPTIONS`) && HeaderRegexp(`Access-Control-Request-Method`")
    assert len(rule) > len(usual)  # without `priority`, Traefik prefers the longer rule


def test_the_documents_of_passkeys_are_read_without_authentication(http: dict[str, Any]) -> None:
    passkeys = http["routers"]["passkeys"]

    pattern = passkeys["rule"].partition("PathRegexp(`")[2].removesuffix("`)")
    for name in ("webauthn", "passkey-endpoints", "change-password"):
        assert re.search(pattern, f"/.well-known/{name}")
        assert resolve(f"/.well-known/{name}")
    assert not re.search(pattern, "/.well-known/jwks.json")
    assert http["services"][passkeys["service"]]["loadBalancer"]["passHostHeader"] is False


def test_every_named_middleware_and_service_exists(http: dict[str, Any]) -> None:
    routers = http["routers"].values()

    assert {name for router in routers for name in router["middlewares"]} == set(http["middlewares"])
    services = {router["service"] for router in routers} | {http["middlewares"]["signed-out"]["errors"]["service"]}
    assert services == set(http["services"])
