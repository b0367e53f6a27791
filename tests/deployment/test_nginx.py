"""The nginx example, unchanged, before an application that trusts its headers. `make test-nginx` runs these tests."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.testing.cast import Tokens, signed_in, someone
from core.paths import BASE_DIR
from core.testing import live_database, live_server, nginx
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.nginx import Nginx
from sessions_tracking.models import Session

pytestmark = pytest.mark.nginx

EXAMPLE = BASE_DIR / "docker" / "examples" / "nginx" / "forward-auth.conf"
SITE = {"Host": "app.example.com"}
FORGED = {
    "X-Auth-User-Id": "1", "X-Auth-Username": "root", "X-Auth-Role": "ADMIN", "X-Auth-Session-Id": "1", "X_Auth_Role": "ADMIN",
    "x-auth-role": "ADMIN", "X-Auth-Acr": "aal2", "X-Auth-Time": "4102444800",
}  # fmt: skip


class Application(BaseHTTPRequestHandler):
    """Responds with the request that it received."""

    seen = 0

    def do_GET(self) -> None:
        type(self).seen += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        received = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): text for name, text in self.headers.items()},
        }
        body = json.dumps(received).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("vestibule")
    names = {"ALLOWED_HOSTS": "auth.example.com,127.0.0.1", "TRUSTED_PROXIES": "127.0.0.1"}
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder, **names) as running:
        yield running


@pytest.fixture(scope="module")
def site(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """Run nginx for app.example.com and the application behind it."""
    application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    upstreams = {"127.0.0.1:8000": f"127.0.0.1:{server.port}", "127.0.0.1:3000": f"127.0.0.1:{application.server_port}"}
    try:
        with nginx.running(_folder(tmp_path_factory), EXAMPLE, upstreams) as running:
            yield running
    finally:
        application.shutdown()
        application.server_close()


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("nginx")


@pytest.fixture
def eve(server: LiveServer) -> tuple[User, Tokens]:
    user = someone()
    return user, signed_in(server, user)


def _send(site: Nginx, method: str = "GET", **headers: str) -> tuple[int, dict[str, Any]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = site.send(method, "/basket?item=1", SITE | named, b"{}" if method == "POST" else b"")
    return response.status, json.loads(response.content)  # type: ignore[attr-defined]


def test_a_signed_in_user_passes_and_the_application_receives_the_identity(
    site: Nginx, eve: tuple[User, Tokens]
) -> None:
    user, tokens = eve

    for credentials in ({"Authorization": f"Bearer {tokens.access}"}, {"Cookie": f"jwt={tokens.access}"}):
        status, seen = _send(site, **credentials)
        assert (status, seen["path"]) == (200, "/basket?item=1")
        assert seen["headers"]["x-auth-user-id"] == str(user.id)
        assert seen["headers"]["x-auth-username"] == user.username
        assert seen["headers"]["x-auth-role"] == "USER"
        assert seen["headers"]["x-auth-session-id"]
        assert seen["headers"]["x-auth-acr"] == "aal1"
        assert abs(time.time() - int(seen["headers"]["x-auth-time"])) < 60


@pytest.mark.parametrize(
    "credentials", [{}, {"Authorization": "Bearer x"}, {"Cookie": "jwt=x"}, {"Authorization": "Basic eDp5"}]
)
def test_a_signed_out_user_does_not_pass(site: Nginx, credentials: dict[str, str]) -> None:
    before = Application.seen

    response = site.send("GET", "/basket", SITE | credentials)

    assert (response.status, response.getheader("WWW-Authenticate")) == (401, "Bearer")
    assert json.loads(response.content)["code"] == "authentication_required"  # type: ignore[attr-defined]
    assert response.getheader("Content-Type") == "application/json"
    assert Application.seen == before


def test_a_browser_is_redirected_to_the_login_page(site: Nginx) -> None:
    response = site.send("GET", "/basket?item=1", SITE | {"Accept": "text/html,application/xhtml+xml"})

    assert response.status == 302
    assert response.getheader("Location") == "https://www.example.com/sign-in?next=http://app.example.com/basket?item=1"


def test_the_documents_of_passkeys_are_those_of_vestibule_and_need_no_sign_in(site: Nginx) -> None:
    before = Application.seen

    for name, status in (("webauthn", 200), ("passkey-endpoints", 200), ("change-password", 302)):
        response = site.send("GET", f"/.well-known/{name}", SITE)
        assert response.status == status
        assert response.getheader("X-Request-Id")  # of Vestibule
    assert site.send("GET", "/.well-known/security.txt", SITE).status == 401

    assert Application.seen == before


def test_the_next_request_after_a_logout_is_refused(site: Nginx, server: LiveServer, eve: tuple[User, Tokens]) -> None:
    bearer = f"Bearer {eve[1].access}"
    assert _send(site, Authorization=bearer)[0] == 200

    assert server.send(ApiRequest("POST", "/logout", token=eve[1].access)).status == 200

    assert _send(site, Authorization=bearer)[0] == 401


def test_forged_identity_headers_are_ignored(site: Nginx, eve: tuple[User, Tokens]) -> None:
    signed_out = site.send("GET", "/basket", SITE | FORGED)
    assert signed_out.status == 401

    response = site.send("GET", "/basket", SITE | FORGED | {"Authorization": f"Bearer {eve[1].access}"})

    seen = json.loads(response.content)["headers"]  # type: ignore[attr-defined]
    assert (seen["x-auth-role"], seen["x-auth-username"]) == ("USER", eve[0].username)
    assert not {"1", "root", "ADMIN", "aal2", "4102444800"} & set(seen.values())
    assert "x_auth_role" not in seen


def test_a_session_without_a_second_factor_does_not_reach_the_payments(site: Nginx, eve: tuple[User, Tokens]) -> None:
    """The query of the client's own request cannot lower what the proxy requires."""
    bearer, before = {"Authorization": f"Bearer {eve[1].access}"}, Application.seen

    response = site.send("GET", "/payments/7?acr=aal1&max_age=99999", SITE | FORGED | bearer)

    challenge = 'Bearer error="insufficient_user_authentication", max_age="300", acr_values="aal2"'
    assert (response.status, response.getheader("WWW-Authenticate")) == (401, challenge)
    assert json.loads(response.content)["code"] == "reauthentication_required"  # type: ignore[attr-defined]
    assert Application.seen == before

    page = site.send("GET", "/payments/7", SITE | bearer | {"Accept": "text/html"})
    assert page.getheader("Location") == "https://www.example.com/confirm?next=http://app.example.com/payments/7"


def test_a_recent_second_factor_reaches_the_payments(site: Nginx, eve: tuple[User, Tokens]) -> None:
    Session.objects.filter(user=eve[0]).update(acr="aal2", amr="pwd otp mfa")

    response = site.send("GET", "/payments/7?acr=aal1", SITE | {"Authorization": f"Bearer {eve[1].access}"})

    seen = json.loads(response.content)  # type: ignore[attr-defined]
    assert (seen["path"], seen["headers"]["x-auth-acr"]) == ("/payments/7?acr=aal1", "aal2")
    assert seen["headers"]["x-auth-username"] == eve[0].username


def test_a_signed_out_user_is_asked_to_sign_in_at_the_payments_too(site: Nginx) -> None:
    response = site.send("GET", "/payments/7", SITE)

    assert (response.status, response.getheader("WWW-Authenticate")) == (401, "Bearer")
    assert json.loads(response.content)["code"] == "authentication_required"  # type: ignore[attr-defined]


def test_a_cookie_sent_by_another_site_changes_nothing(site: Nginx, eve: tuple[User, Tokens]) -> None:
    cookie, before = f"jwt={eve[1].access}", Application.seen

    assert site.send("POST", "/basket", SITE | {"Cookie": cookie, "Origin": "https://evil.example"}).status == 403
    forged = {
        "Cookie": cookie,
        "Origin": "https://evil.example",
        "X-Original-Method": "GET",
        "X-Forwarded-Method": "GET",
    }
    assert site.send("DELETE", "/basket", SITE | forged).status == 403
    assert Application.seen == before

    assert _send(site, "POST", Cookie=cookie, Origin="http://app.example.com")[0] == 200
    assert _send(site, "POST", Cookie=cookie)[0] == 200
    assert _send(site, "POST", Authorization=f"Bearer {eve[1].access}", Origin="https://evil.example")[0] == 200


# Each cookie header with the part that the application may receive; {} stands for a token.
COOKIES = {
    "jwt={}": "", "jwt={}; theme=dark": "theme=dark", "theme=dark; jwt={}": "theme=dark;", "a=1; jwt={}; b=2": "a=1; b=2",
    "a=1; jwt={}; refreshToken={}; b=2": "a=1; b=2", "jwt={}; jwt={}": "", "jwt={}; jwt={}; jwt={}; jwt={}; a=1": "",
    "refreshToken={};jwt={};a=1": "a=1", "a=1, jwt={}; b=2": "a=1, b=2", "jwt = {}; a=1": "a=1", "a=1; jwt\t={}": "a=1;",
    "xjwt=1; jwt={}; jwt2=2; my.jwt=3": "xjwt=1; jwt2=2; my.jwt=3", "a=jwt; jwt={}": "a=jwt;",
}  # fmt: skip


@pytest.mark.parametrize("cookie", COOKIES)
def test_the_application_receives_its_own_cookies_and_no_token(
    site: Nginx, eve: tuple[User, Tokens], cookie: str
) -> None:
    token = eve[1].access

    for headers in (
        {"Cookie": cookie.replace("{}", token)},
        {"Cookie": cookie.replace("{}", token), "Authorization": f"Bearer {token}"},
    ):
        status, seen = _send(site, **headers)
        assert status == 200
        assert seen["headers"].get("cookie", "").strip() == COOKIES[cookie]
        assert "authorization" not in seen["headers"]
        assert token not in json.dumps(seen)


@pytest.mark.parametrize("tokens", [1, 3, 4, 9])
def test_no_number_of_cookies_forwards_a_token(site: Nginx, eve: tuple[User, Tokens], tokens: int) -> None:
    cookie = "; ".join(["a=1", *[f"jwt={eve[1].access}"] * tokens, "b=2"])

    status, seen = _send(site, Cookie=cookie)

    assert (status, eve[1].access in json.dumps(seen)) == (200, False)
    assert seen["headers"].get("cookie") == ("a=1; b=2" if tokens <= 3 else None)


def test_both_shipped_nginx_configurations_strip_the_same_headers() -> None:
    """The tests of the example also cover the production template."""
    example, template = EXAMPLE.read_text(), (BASE_DIR / "docker" / "nginx" / "vestibule.conf.template").read_text()

    start, end = "# Forward the application's own cookies without", "\nserver {"
    maps = example[example.index(start) : example.index(end, example.index(start))].strip()
    assert maps in template
    for line in (
        "proxy_set_header Cookie        $application_cookie;",
        'proxy_set_header Authorization "";',
    ):
        assert example.count(line) == template.count(line) == 1
    # The example asks forward-auth from two locations.
    assert (example.count("if ($is_preflight)"), template.count("if ($is_preflight)")) == (2, 1)


def test_a_websocket_from_another_site_is_refused_and_a_same_site_one_is_not(
    site: Nginx, eve: tuple[User, Tokens]
) -> None:
    handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    cookie, before = {"Cookie": f"jwt={eve[1].access}"}, Application.seen

    for origin in ("https://evil.example", "null", "http://other.example.com"):
        assert site.send("GET", "/socket", SITE | handshake | cookie | {"Origin": origin}).status == 403
    assert Application.seen == before

    assert site.send("GET", "/socket", SITE | handshake | cookie | {"Origin": "http://app.example.com"}).status == 200


def test_a_preflight_reaches_the_application_without_an_identity(site: Nginx, eve: tuple[User, Tokens]) -> None:
    preflight = {"Origin": "https://www.example.com", "Access-Control-Request-Method": "PUT"}

    response = site.send("OPTIONS", "/basket", SITE | FORGED | preflight | {"Cookie": f"jwt={eve[1].access}"})

    assert response.status == 200
    seen = json.loads(response.content)["headers"]  # type: ignore[attr-defined]
    assert not [name for name in seen if name.startswith(("x-auth", "cookie", "x_auth"))]
    assert site.send("OPTIONS", "/basket", SITE | {"Origin": "https://www.example.com"}).status == 401
    assert site.send("GET", "/basket", SITE | preflight).status == 401


def test_clients_cannot_request_the_internal_auth_location(site: Nginx, eve: tuple[User, Tokens]) -> None:
    assert site.send("GET", "/_vestibule", SITE | {"Authorization": f"Bearer {eve[1].access}"}).status == 404
