"""Endpoints that sign in, clear cookies or send email reject other sites, with and without a signed-in caller."""

from collections.abc import Mapping
from typing import Any

import pytest

from accounts.models import AuditEvent, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.endpoints import ENDPOINTS, Endpoint
from sessions_tracking.models import Session

FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
# Services that authenticate with a client id and a secret call these; no browser does. A refresh token in the body is no cookie.
_EXEMPT = {"/introspect", "/revoke", "/refresh", "/refresh-token"}
PUBLIC = [endpoint for endpoint in ENDPOINTS if endpoint.caller is None and endpoint.path not in _EXEMPT]


def _rows() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (User, Session, OutboxEmail, AuditEvent)]


def test_the_walk_covers_the_public_endpoints() -> None:
    paths = {endpoint.path for endpoint in PUBLIC}
    assert {
        "/login",
        "/login/code",
        "/login/code/verify",
        "/logout",
        "/register",
        "/verify-email",
        "/reset-password",
        "/change-email/undo",
        "/mfa/verify",
    } <= paths


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("endpoint", PUBLIC, ids=lambda endpoint: endpoint.name)
def test_a_public_endpoint_refuses_another_site(
    api: ApiClient, alice: User, bob: User, endpoint: Endpoint, headers: Mapping[str, str]
) -> None:
    before = _rows()

    response = getattr(api, endpoint.method.lower())(endpoint.path, dict(endpoint.body), headers=headers)

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert not response.cookies
    assert _rows() == before


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD}),
        ("/reauthenticate", {"password": PASSWORD}),
        ("/reauthenticate/email", {}),
    ],
)
def test_an_access_token_does_not_let_another_site_send_email_or_set_cookies(
    signed_in: SignedIn, path: str, body: Mapping[str, str], headers: Mapping[str, str]
) -> None:
    before = _rows()

    response = signed_in.client.post(path, dict(body), headers=headers)

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert not response.cookies
    assert _rows() == before


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_an_email_link_verifies_nothing_for_another_site(api: ApiClient, bob: User, headers: Mapping[str, str]) -> None:
    before = _rows()

    response = api.get("/verify-email?email=bob@example.com&token=x", headers=headers)

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert _rows() == before


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("credential", [{"Authorization": "Bearer x"}, {"refreshToken": "x"}], ids=str)
def test_an_invalid_token_does_not_let_another_site_clear_cookies(
    api: ApiClient, db: None, credential: Mapping[str, str], headers: Mapping[str, str]
) -> None:
    body = credential if "refreshToken" in credential else {}

    response = api.post("/logout", dict(body), headers=dict(headers) | ({} if body else dict(credential)))

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert not response.cookies
