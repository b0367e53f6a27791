"""Conventions of every API response: envelope, headers, IDs and paths."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

SignIn = Callable[..., SignedIn]

ODD_IDS = [
    "0", "-1", "1e30", "me", "x" * 36, "..%2fadmin", "%00", "%ff", "%0a", "0190a0b0-0000-7000-8000-00000000000g",
    "{0190a0b0-0000-7000-8000-000000000000}", "0190a0b000007000800000000000000", "0" * 4000,
]  # fmt: skip


def _assert_failure(response: Any, status: int, code: str) -> None:
    """Assert that the response is the bare error envelope and reveals no software."""
    body = response.json()
    assert (response.status_code, body["code"], body["success"]) == (status, code, False)
    assert body.keys() <= {"success", "message", "code", "errors"}
    assert body["message"]
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert ("WWW-Authenticate" in response.headers) is (status == 401)
    assert not re.search(r"Traceback|\.py|SELECT |django", response.content.decode())


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/auth", "/api/auth/nothing", "/api/auth/%ff", "/api/auth/me/x", "/api/v2"]
)
def test_an_unknown_path_gets_404_in_the_envelope(api: ApiClient, db: None, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        _assert_failure(api.generic(method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/login"), ("DELETE", "/register"), ("PUT", "/refresh"), ("GET", "/logout"), ("TRACE", "/login")],
)
def test_an_unsupported_method_gets_405_in_the_envelope(api: ApiClient, db: None, method: str, path: str) -> None:
    response = api.generic(method, path)

    _assert_failure(response, 405, "method_not_allowed")


def test_a_query_or_header_cannot_override_the_method(signed_in: SignedIn) -> None:
    path = f"/sessions/{signed_in.session_id}?_method=DELETE"

    response = signed_in.client.post(path, headers={"X-HTTP-Method-Override": "DELETE"})

    _assert_failure(response, 405, "method_not_allowed")
    assert signed_in.client.get("/me").status_code == 200


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=utf-16",
        "x",
    ],
)
def test_a_body_other_than_json_is_an_unsupported_media_type(api: ApiClient, db: None, media_type: str) -> None:
    response = api.generic("POST", "/login", '{"username": "a", "password": "b"}', content_type=media_type)

    _assert_failure(response, 415, "unsupported_media_type")


def test_a_compressed_body_is_rejected(api: ApiClient, db: None) -> None:
    response = api.generic(
        "POST", "/login", b"\x1f\x8b\x08", content_type="application/json", headers={"Content-Encoding": "gzip"}
    )

    _assert_failure(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        "{", "[]", "null", "1", '"x"', "true", "{'a': 1}", '{"a": NaN}', '{"a": -Infinity}', '{"a": 1}}', b"\xff\xfe",
        b'{"a": "\xe9"}',
        '{"a":' * 33 + "1" + "}" * 33, "[" * 60_000, '{"a":' * 10_000, "\ufeff{}", '{"a": ' + "9" * 5000 + "}", "\0",
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_json_other_than_a_plain_object_is_a_parse_error(api: ApiClient, db: None, body: str | bytes) -> None:
    for path in ("/login", "/register", "/refresh", "/logout"):
        _assert_failure(api.generic("POST", path, body, content_type="application/json"), 400, "parse_error")


def test_json_may_be_nested_32_deep(signed_in: SignedIn) -> None:
    inner: dict[str, Any] = {}
    for _ in range(30):
        inner = {"a": inner}

    assert signed_in.client.patch(f"/sessions/{signed_in.session_id}", {"data": inner}).status_code == 200
    _assert_failure(
        signed_in.client.patch(f"/sessions/{signed_in.session_id}", {"data": {"a": inner}}), 400, "parse_error"
    )


def test_a_body_over_64_kib_is_too_large(api: ApiClient, alice: User) -> None:
    start = f'{{"username": "alice", "password": "{PASSWORD}", "padding": "'
    fits = start + "x" * (64 * 1024 - len(start) - 2) + '"}'

    assert api.generic("POST", "/login", fits, content_type="application/json").status_code == 200
    for size in (1, 3_000_000):
        response = api.generic("POST", "/login", fits + " " * size, content_type="application/json")
        _assert_failure(response, 413, "payload_too_large")


def test_a_post_without_a_body_needs_no_media_type(signed_in: SignedIn) -> None:
    for media_type in ("", "text/plain", "application/octet-stream"):
        response = signed_in.client.generic("POST", "/refresh", b"", content_type=media_type)
        _assert_failure(response, 401, "authentication_required")
    assert signed_in.client.generic("POST", "/logout-all").status_code == 200


@pytest.mark.parametrize(
    "path", ["/me", "/profile", "/me/activity", "/sessions", "/sessions/{}", "/verify-email?email=x&token=x"]
)
def test_a_trailing_slash_makes_no_difference(signed_in: SignedIn, path: str) -> None:
    plain, _, query = path.format(signed_in.session_id).partition("?")

    without, with_slash = (signed_in.client.get(f"{plain}{slash}?{query}") for slash in ("", "/"))

    assert with_slash.status_code == without.status_code
    assert with_slash.status_code not in {301, 302, 308}
    assert with_slash.content == without.content


@pytest.mark.parametrize(
    "path",
    ["/register", "/resend-verification", "/login", "/refresh", "/logout", "/forgot-password", "/reset-password"],
)
def test_a_post_with_a_trailing_slash_is_not_redirected(api: ApiClient, db: None, path: str) -> None:
    without, with_slash = api.post(path, {"x": 1}), api.post(f"{path}/", {"x": 1})

    assert with_slash.status_code == without.status_code
    assert with_slash.content == without.content


def test_personal_data_is_not_cached_in_transit(api: ApiClient, signed_in: SignedIn) -> None:
    answers = [
        api.post("/login", {"username": "alice", "password": PASSWORD}), api.post("/refresh"), api.get("/me"),
        api.post("/register", {}), api.get("/sessions"), signed_in.client.get("/me/export"), ApiClient().get("/me"),
    ]  # fmt: skip

    for response in answers:
        assert "no-store" in response["Cache-Control"]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert {"Cookie", "Authorization", "Origin"} <= {name.strip() for name in response["Vary"].split(",")}


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=x", "", "text/html;q=0.1, nonsense"])
def test_the_response_is_json_for_any_accept_header(signed_in: SignedIn, accept: str) -> None:
    for path in ("/me", "/me?format=xml", "/sessions?format=api"):
        response = signed_in.client.get(path, headers={"Accept": accept})
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "language", ["fr", "fr-CA, en;q=0.3", "de", "*", "x" * 5000, "fr;q=nonsense", "en-" * 1000, "\x7f"]
)
def test_the_language_changes_only_messages(api: ApiClient, db: None, language: str) -> None:
    usual, response = (api.post("/login", {}, headers=headers) for headers in ({}, {"Accept-Language": language}))

    _assert_failure(response, 400, "validation_error")
    assert response.json()["errors"].keys() == usual.json()["errors"].keys()


@pytest.mark.parametrize("odd", ODD_IDS, ids=lambda odd: odd[:20])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_invalid_id_gets_404(signed_in: SignedIn, method: str, odd: str) -> None:
    response = signed_in.client.generic(method, f"/sessions/{odd}", "{}", content_type="application/json")

    _assert_failure(response, 404, "not_found")
    assert signed_in.client.get("/me").status_code == 200


def test_ids_are_uuids_of_version_7(signed_in: SignedIn, alice: User) -> None:
    for value in (str(alice.id), signed_in.session_id):
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", value)


def test_a_disallowed_host_is_rejected_in_the_envelope(api: ApiClient, db: None) -> None:
    response = api.post("/login", {"username": "alice", "password": PASSWORD}, headers={"Host": "evil.example"})

    assert response.status_code < 500
    assert response["Content-Type"] == "application/json"


def test_options_reveals_no_fields(api: ApiClient, signed_in: SignedIn) -> None:
    for client, path in (
        (api, "/login"),
        (api, "/register"),
        (signed_in.client, "/me"),
        (signed_in.client, "/sessions"),
    ):
        response = client.options(path)
        assert response.status_code < 500
        assert "password" not in response.content.decode()
        assert "firstName" not in response.content.decode()


def test_an_unexpected_error_gets_a_500_envelope_without_details(
    api: ApiClient, db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("SELECT secret FROM settings.py")

    monkeypatch.setattr("accounts.services.passwords.request_reset", fail)
    api.raise_request_exception = False

    for settings.DEBUG in (False, True):
        response = api.post("/forgot-password", {"email": "alice@example.com"})
        _assert_failure(response, 500, "server_error")
        assert "secret" not in response.content.decode()
