"""The cookies of a session, the sites from which they are accepted, and the choice of the token transport."""

from collections.abc import Callable
from http.cookies import Morsel
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]

LOGIN = {"username": "alice", "password": PASSWORD}
FRIEND = "https://app.example.com"
FOREIGN = [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "https://testserver"},
    {"Origin": "http://testserver.evil.example"}, {"Origin": "http://testserver:8000"}, {"Origin": "http://app.example.com"},
    {"Origin": "https://app.example.com.evil.example"}, {"Origin": "https://app.example.com@evil.example"}, {"Origin": "*"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "odd"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
]  # fmt: skip
OWN = [
    {}, {"Origin": "http://testserver"}, {"Origin": "HTTP://TESTSERVER"}, {"Origin": FRIEND}, {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"}, {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost:8000", "Host": "localhost:8000"}, {"Origin": "http://localhost", "Host": "localhost:80"},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _friend(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRIEND]


@pytest.fixture
def browser(api: ApiClient, signed_in: SignedIn) -> ApiClient:
    """Return a client with both cookies of alice's session."""
    api.cookies["jwt"], api.cookies["refreshToken"] = signed_in.access, signed_in.refresh
    return api


def _look(morsel: "Morsel[str]") -> tuple[Any, ...]:
    return morsel["path"], morsel["httponly"], morsel["secure"], morsel["samesite"], morsel["domain"]


@pytest.mark.parametrize("debug", [False, True])
def test_cookies_are_httponly_and_secure_outside_debug(
    api: ApiClient, alice: User, settings: Settings, debug: bool
) -> None:
    settings.DEBUG = debug

    cookies = api.post("/login", LOGIN).cookies

    secure = "" if debug else True
    assert _look(cookies["jwt"]) == ("/", True, secure, "Lax", "")
    assert _look(cookies["refreshToken"]) == ("/api/auth", True, secure, "Lax", "")
    assert 895 <= cookies["jwt"]["max-age"] <= 900
    assert 604_795 <= cookies["refreshToken"]["max-age"] <= 604_800


def test_refresh_sets_the_same_cookies_as_login(browser: ApiClient) -> None:
    cookies = browser.post("/refresh").cookies

    assert _look(cookies["jwt"]) == ("/", True, True, "Lax", "")
    assert _look(cookies["refreshToken"]) == ("/api/auth", True, True, "Lax", "")


def test_cookies_are_cleared_with_the_attributes_they_were_set_with(
    api: ApiClient, alice: User, settings: Settings
) -> None:
    settings.COOKIE_DOMAIN, settings.COOKIE_SAMESITE = ".example.com", "Strict"
    was_set = api.post("/login", LOGIN).cookies

    cleared = api.post("/logout").cookies

    for name, domain in (("jwt", ".example.com"), ("refreshToken", "")):
        assert _look(cleared[name]) == _look(was_set[name])
        assert (cleared[name].value, cleared[name]["max-age"]) == ("", 0)
        assert _look(was_set[name])[3:] == ("Strict", domain)


def test_a_client_may_request_tokens_in_cookies_only(api: ApiClient, alice: User) -> None:
    response = api.post("/login", LOGIN, headers={"X-Token-Transport": "cookie"})

    assert set(response.cookies) == {"jwt", "refreshToken"}
    assert set(response.json()["data"]["tokens"]) == {"accessExpiresAt", "refreshExpiresAt"}
    assert response.cookies["jwt"].value not in response.content.decode()
    assert response.cookies["refreshToken"].value not in response.content.decode()
    refreshed = api.post("/refresh", headers={"X-Token-Transport": "cookie"})
    assert "token" not in refreshed.json()["data"]
    assert refreshed.cookies["jwt"].value not in refreshed.content.decode()


def test_a_client_may_request_tokens_in_the_body_only(api: ApiClient, alice: User) -> None:
    response = api.post("/login", LOGIN, headers={"X-Token-Transport": "Body"})

    assert not response.cookies
    token = response.json()["data"]["tokens"]["refreshToken"]
    refreshed = api.post("/refresh", {"refreshToken": token}, headers={"X-Token-Transport": "body"})
    assert refreshed.status_code == 200
    assert not refreshed.cookies


@pytest.mark.parametrize("path", ["/login", "/refresh"])
def test_an_unknown_transport_is_rejected_before_any_change(api: ApiClient, signed_in: SignedIn, path: str) -> None:
    response = api.post(path, LOGIN | {"refreshToken": signed_in.refresh}, headers={"X-Token-Transport": "pigeon"})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert list(response.json()["errors"]) == ["X-Token-Transport"]
    assert Session.objects.get().rotated_at is None


@pytest.mark.parametrize("headers", FOREIGN)
def test_cookies_sent_from_another_site_change_nothing(
    browser: ApiClient, signed_in: SignedIn, headers: dict[str, str]
) -> None:
    before = list(Session.objects.values()), list(User.objects.values())
    new = {"currentPassword": PASSWORD, "newPassword": "Another-Horse-8"}

    for method, path, body in (
        ("POST", "/logout", {}), ("POST", "/logout-all", {}), ("POST", "/refresh", {}), ("PATCH", "/me", {"firstName": "Eve"}),
        ("POST", "/change-password", new), ("DELETE", "/me", {"password": PASSWORD}),
        ("DELETE", f"/sessions/{signed_in.session_id}", {}),
    ):  # fmt: skip
        response = getattr(browser, method.lower())(path, body, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed"), path
        assert not response.cookies
    assert (list(Session.objects.values()), list(User.objects.values())) == before


@pytest.mark.parametrize("headers", OWN)
def test_cookies_are_accepted_from_own_and_trusted_sites_and_non_browsers(
    browser: ApiClient, headers: dict[str, str]
) -> None:
    assert browser.patch("/me", {"firstName": "Alicia"}, headers=headers).status_code == 200
    assert browser.post("/refresh", headers=headers).status_code == 200


def test_a_disallowed_host_is_not_the_own_origin(browser: ApiClient) -> None:
    headers = {"Origin": "http://evil.example", "Host": "evil.example"}

    response = browser.patch("/me", {"firstName": "Eve"}, headers=headers)

    assert response.status_code in {400, 403}
    assert User.objects.get().first_name == ""


@pytest.mark.parametrize("headers", FOREIGN)
def test_reading_by_cookie_is_left_to_cors(browser: ApiClient, headers: dict[str, str]) -> None:
    response = browser.get("/me", headers=headers)

    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_token_in_the_header_is_accepted_from_any_site(signed_in: SignedIn, headers: dict[str, str]) -> None:
    assert signed_in.client.patch("/me", {"firstName": "Alicia"}, headers=headers).status_code == 200


def test_a_refresh_token_in_the_body_is_accepted_from_any_site(browser: ApiClient, signed_in: SignedIn) -> None:
    response = browser.post("/refresh", {"refreshToken": signed_in.refresh}, headers=FOREIGN[0])

    assert response.status_code == 200


@pytest.mark.parametrize("transport", ["", "cookie", "body"])
@pytest.mark.parametrize("headers", FOREIGN)
def test_another_site_cannot_sign_a_browser_in(
    api: ApiClient, alice: User, headers: dict[str, str], transport: str
) -> None:
    response = api.post("/login", LOGIN, headers=headers | {"X-Token-Transport": transport})

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert not response.cookies
    assert not Session.objects.exists()


@pytest.mark.parametrize("headers", OWN)
def test_own_and_trusted_sites_and_non_browsers_sign_in(api: ApiClient, alice: User, headers: dict[str, str]) -> None:
    assert api.post("/login", LOGIN, headers=headers).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_site_cannot_sign_a_browser_out(
    browser: ApiClient, signed_in: SignedIn, headers: dict[str, str]
) -> None:
    """A cross-site request carries no SameSite=Lax cookie, but its response could still clear the cookies."""
    for cookies in ((), ("refreshToken",), ("jwt", "refreshToken")):
        sender = ApiClient()
        for name in cookies:
            sender.cookies[name] = browser.cookies[name].value
        response = sender.generic("POST", "/logout", b"", content_type="", headers=headers)

        assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
        assert not response.cookies
    assert signed_in.client.get("/me").status_code == 200


def test_a_token_in_the_header_signs_out_from_any_site(signed_in: SignedIn) -> None:
    assert signed_in.client.post("/logout", headers=FOREIGN[0]).status_code == 200

    assert signed_in.client.get("/me").json()["code"] == "session_revoked"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_media_type_of_html_forms_does_not_sign_in(api: ApiClient, alice: User, media_type: str) -> None:
    body = '{"username": "alice", "password": "' + PASSWORD + '", "x": "="}'

    for path in ("/login", "/forgot-password", "/refresh", "/logout-all"):
        response = api.generic("POST", path, body, content_type=media_type, headers=FOREIGN[0])
        assert response.status_code in {401, 403, 415}
        assert not response.cookies
    assert not Session.objects.exists()
    assert not OutboxEmail.objects.exists()


def test_cors_allows_only_trusted_sites(api: ApiClient, db: None) -> None:
    for path in ("/me", "/nothing", "/api/schema"):
        trusted = api.get(path, headers={"Origin": FRIEND})
        assert trusted["Access-Control-Allow-Origin"] == FRIEND
        assert trusted["Access-Control-Allow-Credentials"] == "true"

        for headers in FOREIGN[:10]:
            response = api.get(path, headers=headers)
            assert not [name for name in response.headers if name.startswith("Access-Control-")]
            assert "origin" in response["Vary"].lower()


def test_a_preflight_succeeds_only_for_trusted_sites(api: ApiClient, db: None) -> None:
    preflight_headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-token-transport, content-type",
    }

    granted = api.options("/login", headers={"Origin": FRIEND} | preflight_headers)
    refused = api.options("/login", headers=FOREIGN[0] | preflight_headers)

    assert granted["Access-Control-Allow-Origin"] == FRIEND
    assert "x-token-transport" in granted["Access-Control-Allow-Headers"]
    assert {"traceparent", "tracestate", "baggage", "sentry-trace"} <= set(
        granted["Access-Control-Allow-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("origin", ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", "app://."])
def test_a_trusted_extension_signs_in_and_uses_cookies(
    api: ApiClient, alice: User, settings: Settings, origin: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [origin]

    response = api.post("/login", LOGIN, headers={"Origin": origin})

    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (200, origin)
    assert api.patch("/me", {"firstName": "Alicia"}, headers={"Origin": origin}).status_code == 200
    assert api.patch("/me", {"firstName": "Eve"}, headers={"Origin": f"{origin}x"}).status_code == 403
