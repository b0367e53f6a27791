"""Forward authentication for reverse proxies. Most tests run through Django and through the fast path."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from urllib.parse import unquote

import jwt
import pytest
import time_machine
from django.db import OperationalError
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.api.views import forward_auth
from accounts.models import Role, User
from accounts.testing.api_client import SignedIn
from accounts.testing.parity import ApiResult, Headers, via_django, via_wsgi
from accounts.testing.parity import db_releases as db_releases
from core.redis.client import breaker
from sessions_tracking import last_seen

SignIn = Callable[..., SignedIn]
Send = Callable[..., ApiResult]

FRIEND = "https://app.example.com"
EVIL = {"Origin": "https://evil.example"}
SHOP = {"X-Forwarded-Host": "shop.example.com", "X-Forwarded-Proto": "https"}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases")]


@pytest.fixture(params=[via_django, via_wsgi])
def send(request: pytest.FixtureRequest) -> Send:
    by: Send = request.param
    return lambda headers, method="GET", path="/forward-auth": by(method, headers, path)


def _via_wsgi(method: str, headers: Headers) -> ApiResult:
    return via_wsgi(method, headers, "/forward-auth")


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CORS_ALLOWED_ORIGINS = [FRIEND]
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]


def _bearer(signed_in: SignedIn) -> Headers:
    return {"Authorization": f"Bearer {signed_in.access}"}


def _cookie(signed_in: SignedIn) -> Headers:
    return {"Cookie": f"theme=dark; jwt={signed_in.access}"}


def _is_rejected(response: ApiResult, status: int, code: str) -> bool:
    envelope = b'"success": false' in response.body and f'"code": "{code}"'.encode() in response.body
    return (response.status, response.identity) == (status, {}) and envelope


@pytest.mark.parametrize("credentials", [_bearer, _cookie])
def test_a_valid_token_returns_the_identity_headers(
    send: Send, signed_in: SignedIn, credentials: Callable[..., Headers]
) -> None:
    response = send(credentials(signed_in))

    assert response.status == 200
    assert response.identity == {
        "X-Auth-User-Id": str(signed_in.user.id),
        "X-Auth-Username": "alice",
        "X-Auth-Role": "USER",
        "X-Auth-Session-Id": signed_in.session_id,
        "X-Auth-Acr": "aal1",
        "X-Auth-Time": str(jwt.decode(signed_in.access, options={"verify_signature": False})["auth_time"]),
    }
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert (response.headers["Content-Type"], response.body) == ("application/json", b'{"success":true}')


def test_a_trailing_slash_and_head_return_the_same_identity(send: Send, signed_in: SignedIn) -> None:
    assert send(_bearer(signed_in), path="/forward-auth/").identity == send(_bearer(signed_in)).identity
    assert send(_bearer(signed_in), method="HEAD").identity == send(_bearer(signed_in)).identity


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_get_and_head_are_allowed(send: Send, signed_in: SignedIn, method: str) -> None:
    response = send(_bearer(signed_in), method=method)

    assert _is_rejected(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"


def test_a_request_without_a_token_is_rejected(send: Send, db: None) -> None:
    response = send({})

    assert _is_rejected(response, 401, "authentication_required")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["[", "a[", "]", "x y", "\\"])
def test_an_invalid_forwarded_host_trusts_no_origin(send: Send, signed_in: SignedIn, host: str) -> None:
    forwarded = {"Cookie": f"jwt={signed_in.access}", "X-Forwarded-Method": "POST", "X-Forwarded-Host": host} | EVIL

    assert _is_rejected(send(forwarded), 403, "origin_not_allowed")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer ", "Basic YTpi", "", "Bearer a b", "Bearer \xff"])
def test_a_valid_cookie_does_not_replace_an_invalid_header(send: Send, signed_in: SignedIn, header: str) -> None:
    assert _is_rejected(send(_cookie(signed_in) | {"Authorization": header}), 401, "token_invalid")


def test_a_refresh_token_is_rejected(send: Send, signed_in: SignedIn) -> None:
    for headers in (
        {"Authorization": f"Bearer {signed_in.refresh}"},
        {"Cookie": f"jwt={signed_in.refresh}; refreshToken={signed_in.refresh}"},
    ):
        assert _is_rejected(send(headers), 401, "token_invalid")


def test_an_expired_token_has_a_code_of_its_own(send: Send, signed_in: SignedIn) -> None:
    assert send(_bearer(signed_in)).status == 200

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        assert _is_rejected(send(_bearer(signed_in)), 401, "token_expired")


def test_the_next_request_after_a_logout_is_rejected(send: Send, signed_in: SignedIn) -> None:
    assert send(_bearer(signed_in)).status == 200

    signed_in.client.post("/logout")

    assert _is_rejected(send(_bearer(signed_in)), 401, "session_revoked")
    assert _is_rejected(send(_cookie(signed_in)), 401, "session_revoked")


def test_username_and_role_are_current(send: Send, signed_in: SignedIn, admin: User, sign_in: SignIn) -> None:
    change = {"role": Role.ADMIN, "username": "alicia"}
    assert sign_in(admin).client.patch(f"/users/{signed_in.user.id}", change).status_code == 200

    identity = send(_bearer(signed_in)).identity

    assert (identity["X-Auth-Role"], identity["X-Auth-Username"]) == ("ADMIN", "alicia")


def test_identity_headers_of_the_client_are_ignored(send: Send, signed_in: SignedIn) -> None:
    forged = {"X-Auth-User-Id": "1", "X-Auth-Username": "root", "X-Auth-Role": "ADMIN", "X-Auth-Session-Id": "1"}
    forged |= {"X-Auth-Acr": "aal2", "X-Auth-Time": "4102444800"}

    assert send(forged).identity == {}
    assert send(forged | _bearer(signed_in)).identity == send(_bearer(signed_in)).identity


@pytest.mark.parametrize("name", ["A-b_9", "jörg", "x\r\nX-Auth-Role: ADMIN", "名"])
def test_an_unusual_username_cannot_inject_a_header(send: Send, signed_in: SignedIn, name: str) -> None:
    User.objects.filter(id=signed_in.user.id).update(username=name)
    get_redis_connection("default").flushdb()

    identity = send(_bearer(signed_in)).identity

    assert (unquote(identity["X-Auth-Username"]), identity["X-Auth-Role"]) == (name, "USER")
    assert identity["X-Auth-Username"].isascii()
    assert "\n" not in identity["X-Auth-Username"]


@pytest.mark.parametrize("name", ["X-Forwarded-Method", "X-Original-Method"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post", "ODD", ""])
def test_unsafe_requests_with_a_cookie_from_another_site_are_rejected(
    send: Send, signed_in: SignedIn, name: str, method: str
) -> None:
    for source in (EVIL, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://shop.example.com"}):
        headers = _cookie(signed_in) | SHOP | source | {name: method}
        assert _is_rejected(send(headers), 403, "origin_not_allowed")


@pytest.mark.parametrize(
    "source",
    [
        {}, {"Origin": "https://shop.example.com"}, {"Origin": "HTTPS://Shop.Example.com"}, {"Sec-Fetch-Site": "same-origin"},
        {"Origin": FRIEND}, {"Origin": "https://shop.example.com", "X-Forwarded-Host": "shop.example.com:443"},
        {"Origin": "https://shop.example.com:8443", "X-Forwarded-Host": "shop.example.com:8443"},
    ],
)  # fmt: skip
def test_unsafe_requests_with_a_cookie_from_the_proxied_site_are_accepted(
    send: Send, signed_in: SignedIn, source: Headers
) -> None:
    response = send(_cookie(signed_in) | SHOP | {"X-Forwarded-Method": "POST"} | source)

    assert response.identity["X-Auth-Username"] == "alice"


def test_without_a_forwarded_host_the_own_origin_counts(send: Send, signed_in: SignedIn) -> None:
    posting = _cookie(signed_in) | {"X-Original-Method": "POST"}

    assert send(posting | {"Origin": "http://testserver"}).status == 200
    assert _is_rejected(send(posting | {"Origin": "https://shop.example.com"}), 403, "origin_not_allowed")
    assert _is_rejected(
        send(posting | EVIL | {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "file"}),
        403,
        "origin_not_allowed",
    )


@pytest.mark.parametrize("method", [None, "GET", "HEAD", "OPTIONS", "get", "POST"])
@pytest.mark.parametrize("path", ["/forward-auth", "/forward-auth/"])
def test_a_cookie_with_a_foreign_origin_is_rejected_for_every_method(
    send: Send, signed_in: SignedIn, path: str, method: str | None
) -> None:
    """CORS does not protect a WebSocket handshake, which is a GET; and requests of `fetch` have an Origin, too."""
    forwarded = {"X-Forwarded-Method": method} if method else {}
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}

    for origin in (EVIL["Origin"], "null", "", "http://shop.example.com", "https://shop.example.com.evil.example"):
        headers = _cookie(signed_in) | SHOP | forwarded | handshake | {"Origin": origin}
        assert _is_rejected(send(headers, path=path), 403, "origin_not_allowed")
    for origin in ("https://shop.example.com", FRIEND):
        assert send(_cookie(signed_in) | SHOP | forwarded | handshake | {"Origin": origin}, path=path).status == 200


def test_the_origin_of_the_api_is_accepted_beside_the_forwarded_one(signed_in: SignedIn) -> None:
    assert _via_wsgi("GET", _cookie(signed_in) | SHOP | {"Origin": "https://testserver"}).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_navigation_from_another_site_is_accepted(send: Send, signed_in: SignedIn, method: str) -> None:
    """A navigation has no Origin, and changes nothing."""
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "X-Forwarded-Method": method}

    assert send(_cookie(signed_in) | SHOP | followed).status == 200


def test_the_forwarded_origin_is_accepted_only_from_a_trusted_proxy(
    send: Send, signed_in: SignedIn, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]

    for method in ("GET", "POST"):
        headers = _cookie(signed_in) | SHOP | {"Origin": "https://shop.example.com", "X-Forwarded-Method": method}
        assert _is_rejected(send(headers), 403, "origin_not_allowed")


def test_a_bearer_token_is_accepted_from_any_origin(send: Send, signed_in: SignedIn) -> None:
    assert send(_bearer(signed_in) | SHOP | EVIL | {"X-Forwarded-Method": "DELETE"}).status == 200


def test_an_unknown_host_is_rejected(send: Send, signed_in: SignedIn) -> None:
    assert _is_rejected(send(_bearer(signed_in) | {"Host": "evil.example"}), 400, "bad_request")


def test_error_messages_are_in_the_language_of_the_client(send: Send, db: None) -> None:
    assert "Connectez-vous" in send({"Accept-Language": "fr"}).body.decode()


def test_an_accepted_request_updates_last_seen(send: Send, signed_in: SignedIn, settings: Settings) -> None:
    last_seen.clear()

    send(_bearer(signed_in))

    assert {str(session_id) for session_id in last_seen._pending} == {signed_in.session_id}


def test_without_redis_sessions_are_read_from_the_database(
    send: Send, signed_in: SignedIn, mallory: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sign_in(mallory)
    other.client.post("/logout")
    monkeypatch.setattr(breaker, "pause", 60)

    breaker.record_failure()

    assert send(_bearer(signed_in)).status == 200
    assert _is_rejected(send(_bearer(other)), 401, "session_revoked")


def test_without_redis_and_database_requests_are_rejected(
    send: Send, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_token: str) -> None:
        raise OperationalError("connection to db.internal refused")

    monkeypatch.setattr(forward_auth, "authenticate_token", fail)

    response = send(_bearer(signed_in))

    assert _is_rejected(response, 503, "service_unavailable")
    assert "db.internal" not in response.body.decode()


def test_an_unexpected_error_rejects_the_request(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_token: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(forward_auth, "authenticate_token", fail)

    assert _is_rejected(_via_wsgi("GET", _bearer(signed_in)), 500, "server_error")


def test_the_fast_path_releases_its_database_connection(signed_in: SignedIn, db_releases: list[None]) -> None:
    for headers in (_bearer(signed_in), {}, {"Authorization": "Bearer x"}):
        db_releases.clear()
        _via_wsgi("GET", headers)
        assert len(db_releases) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_client_cannot_set_the_deferred_error_of_the_fast_path(signed_in: SignedIn, method: str) -> None:
    headers = _bearer(signed_in) | {"vestibule.deferred_error": "x", "Vestibule-Deferred-Error": "x"}

    assert _via_wsgi(method, headers).status == (405 if method == "POST" else 200)
