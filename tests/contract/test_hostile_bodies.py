"""Hostile bodies: each response is JSON in the envelope, and none is a server error."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.endpoints import ENDPOINTS, WITHOUT_BODY, Endpoint
from tests.contract.envelope import assert_envelope

pytestmark = pytest.mark.django_db

Send = Callable[..., Any]

LOGIN = next(endpoint for endpoint in ENDPOINTS if endpoint.path == "/login")
FIELDS = [(endpoint, name) for endpoint in ENDPOINTS for name in endpoint.body]
VALUES: list[object] = [1, 1.5, True, None, [], ["a"], {}, {"a": "b"}, 10**300, -0.0]
UNPRINTABLE = {"nul": "a\0bCD3efgh", "surrogate": "a\ud800bCD3efgh"}
CONTROL = {"escape": "\x1b[31mred", "newline": "line\nbreak", "return": "a\r", "c1": "a\x85b", "separator": "a\u2028b"}
SECRETS = {"password", "currentPassword", "newPassword", "token", "refreshToken", "mfaToken", "loginToken"}
NOT_JSON_OBJECTS = {
    "array": b"[]", "string": b'"x"', "null": b"null", "number": b"1", "true": b"true", "blank": b"  ",
    "NaN": b"NaN", "Infinity": b"-Infinity", "NaN inside": b'{"email": NaN}', "truncated": b'{"email": "a',
    "two objects": b"{} {}", "single quotes": b"{'a': 1}", "comment": b"{/**/}", "trailing comma": b'{"a": 1,}',
    "invalid UTF-8": b'{"email": "\xff"}', "UTF-16": '{"email": "a"}'.encode("utf-16"), "raw NUL": b'{"email": "\0"}',
    "endless number": b'{"email": ' + b"9" * 5000 + b"}", "infinite number": b'{"email": 1e999}',
}  # fmt: skip


@pytest.fixture
def send(request: pytest.FixtureRequest, alice: User, bob: User) -> Send:
    """Return `send(endpoint, body)`, which signs in as the endpoint's caller; a body of bytes is sent unchanged."""
    callers: dict[str, SignedIn] = {}

    def call(endpoint: Endpoint, body: object, content_type: str = "application/json", **headers: str) -> Any:
        client, path = ApiClient(), endpoint.path
        if endpoint.caller:
            caller = callers.get(endpoint.caller) or callers.setdefault(
                endpoint.caller, _sign_in(request, endpoint.caller)
            )
            client, path = caller.client, path.format(session=caller.session_id, user=bob.id)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return assert_envelope(client.generic(endpoint.method, path, raw, content_type=content_type, **headers))

    return call


def _sign_in(request: pytest.FixtureRequest, name: str) -> SignedIn:
    sign_in: Callable[[User], SignedIn] = request.getfixturevalue("sign_in")
    return sign_in(request.getfixturevalue(name))


def test_the_table_covers_every_endpoint_with_a_body() -> None:
    listed = {
        (endpoint.method, endpoint.path.replace("{session}", "{pk}").replace("{user}", "{pk}"))
        for endpoint in ENDPOINTS
    }

    assert _writing_routes(_api_routes()) == listed | WITHOUT_BODY


def _api_routes() -> list[URLPattern | URLResolver]:
    """Return the routes below /api/auth, those of the capabilities included."""
    included = [entry for entry in get_resolver().url_patterns if str(entry.pattern) == "api/auth/"]
    return [route for entry in included if isinstance(entry, URLResolver) for route in entry.url_patterns]


def _writing_routes(urls: list[URLPattern | URLResolver]) -> set[tuple[str, str]]:
    routes = set()
    for url in urls:
        path = "/" + str(url.pattern).removeprefix("^").removesuffix("/?$").removesuffix(r"/?\Z").replace(
            "(?P<pk>[^/]+)", "{pk}"
        )
        methods = set(getattr(url.callback, "actions", {})) & {"post", "patch", "put", "delete"}
        routes |= {(method.upper(), path) for method in methods}
    return routes


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_the_bodies_in_the_table_are_well_formed(endpoint: Endpoint, send: Send) -> None:
    assert send(endpoint, endpoint.body).json().get("code") not in {"validation_error", "parse_error"}


@pytest.mark.parametrize(("endpoint", "name"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_a_field_of_the_wrong_type_is_a_validation_error(endpoint: Endpoint, name: str, send: Send) -> None:
    right_kind = endpoint.kinds.get(name)
    for value in VALUES:
        if type(value) is right_kind or (value is None and name in endpoint.lenient):
            continue

        response = send(endpoint, endpoint.with_field(name, value))

        assert response.status_code == 400, (value, response.content)
        assert response.json()["code"] == "validation_error"
        assert name in response.json()["errors"]


@pytest.mark.parametrize(("endpoint", "name"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_unprintable_text_is_a_validation_error(endpoint: Endpoint, name: str, send: Send) -> None:
    texts = UNPRINTABLE if name in SECRETS else UNPRINTABLE | CONTROL
    for kind, text in texts.items():
        value = {"key": text, text: 1} if endpoint.kinds.get(name) is dict else text
        if endpoint.kinds.get(name) is dict and kind in CONTROL:
            continue

        response = send(endpoint, endpoint.with_field(name, value))

        assert response.json().get("code") == "validation_error", (kind, response.content)
        assert name in response.json()["errors"]


@pytest.mark.parametrize("where", ["value", "key", "deep"])
@pytest.mark.parametrize("text", UNPRINTABLE.values(), ids=UNPRINTABLE)
def test_session_data_rejects_only_nul_and_surrogates(
    alice: User, sign_in: Callable[..., SignedIn], where: str, text: str
) -> None:
    signed_in = sign_in(alice)
    data = {"value": {"a": text}, "key": {text: 1}, "deep": {"a": [{"b": [text]}]}}[where]

    body = json.dumps({"data": data}).encode()
    response = signed_in.client.generic(
        "PATCH", f"/sessions/{signed_in.session_id}", body, content_type="application/json"
    )

    assert assert_envelope(response).json()["code"] == "validation_error"
    kept = {"a": "\x1b\n\u2028", "\\u0000": "\\ud800"}
    response = signed_in.client.patch(f"/sessions/{signed_in.session_id}", {"data": kept})
    assert response.json()["data"]["session"]["data"] == kept


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_a_field_of_ten_thousand_characters_is_rejected(endpoint: Endpoint, send: Send) -> None:
    for name in endpoint.body:
        value = {"a": "x" * 10_000} if endpoint.kinds.get(name) is dict else "aB3" * 3_333

        response = send(endpoint, endpoint.with_field(name, value))

        # /forgot-password accepts any text, so that it reveals nothing about accounts.
        is_lenient = name in endpoint.lenient or endpoint.path == "/forgot-password"
        assert response.status_code in ({200, 400, 401, 404} if is_lenient else {400}), (name, response.content)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_a_body_other_than_a_json_object_is_a_parse_error(endpoint: Endpoint, send: Send) -> None:
    for kind, body in NOT_JSON_OBJECTS.items():
        response = send(endpoint, body)

        assert (response.status_code, response.json()["code"]) == (400, "parse_error"), (kind, response.content)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_json_nested_too_deeply_is_a_parse_error(endpoint: Endpoint, send: Send) -> None:
    for depth in (33, 1_000, 10_000):
        assert send(endpoint, _nested(depth)).json()["code"] == "parse_error"
    assert send(endpoint, b"[" * 60_000).json()["code"] == "parse_error"
    assert send(endpoint, b'{"a":' * 12_000).json()["code"] == "parse_error"
    assert send(endpoint, b"[" * 100_000).json()["code"] == "payload_too_large"


def test_json_may_be_nested_32_levels_deep(api: ApiClient) -> None:
    response = api.generic("POST", "/forgot-password", _nested(32), content_type="application/json")

    assert response.status_code == 200


def _nested(depth: int) -> bytes:
    return b'{"email": "a@example.com", "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_a_body_over_64_kib_is_too_large(endpoint: Endpoint, send: Send) -> None:
    start, end = json.dumps(endpoint.body)[:-1].encode() + b', "padding": "', b'"}'
    padding = 64 * 1024 - len(start) - len(end)

    too_large, largest = (send(endpoint, start + b"x" * size + end) for size in (padding + 1, padding))

    assert largest.json().get("code") not in {"payload_too_large", "parse_error"}
    assert (too_large.status_code, too_large.json()["code"]) == (413, "payload_too_large")


def test_only_the_body_size_limits_the_number_of_keys(api: ApiClient) -> None:
    fewer, too_many = ({f"k{number}": 0 for number in range(count)} for count in (5_000, 100_000))

    assert assert_envelope(api.post("/login", fewer)).json()["code"] == "validation_error"
    assert assert_envelope(api.post("/login", too_many)).json()["code"] == "payload_too_large"


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain", "text/json", "application/xml", "application/jsonp", "application/vnd.api+json", "*/*", "json", ";",
        "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x",
        "application/json; charset=utf-16", "application/json; charset=utf-7", "application/json; charset=zlib",
        "application/json; charset=base64", "application/json; charset=foo", "application/json; charset=",
    ],
)  # fmt: skip
def test_a_media_type_other_than_json_is_unsupported(send: Send, media_type: str) -> None:
    for endpoint in ENDPOINTS[:4]:
        response = send(endpoint, endpoint.body, media_type)

        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_without_a_media_type_is_unsupported(send: Send) -> None:
    assert send(LOGIN, LOGIN.body, "").status_code == 415


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'])
def test_any_spelling_of_the_json_media_type_is_accepted(api: ApiClient, alice: User, media_type: str) -> None:
    body = json.dumps({"username": "alice", "password": PASSWORD}).encode()

    assert assert_envelope(api.generic("POST", "/login", body, content_type=media_type)).status_code == 200


def test_a_form_of_two_thousand_fields_is_unsupported(api: ApiClient) -> None:
    form = "&".join(f"field{number}=1" for number in range(2_000))

    response = api.generic("POST", "/login", form, content_type="application/x-www-form-urlencoded")

    assert assert_envelope(response).status_code == 415


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "x"])
def test_a_compressed_body_is_unsupported(send: Send, encoding: str) -> None:
    assert send(LOGIN, LOGIN.body, HTTP_CONTENT_ENCODING=encoding).status_code == 415


def test_a_post_without_a_body_needs_no_media_type(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    assert assert_envelope(sign_in(alice).client.generic("POST", "/logout")).status_code == 200


def test_numbers_that_a_database_cannot_store_are_rejected(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    signed_in = sign_in(alice)

    for number in (b"1e999", b"-1e999", b"NaN", b"9" * 5_000):
        body = b'{"data": {"n": ' + number + b"}}"
        response = signed_in.client.generic(
            "PATCH", f"/sessions/{signed_in.session_id}", body, content_type="application/json"
        )
        assert assert_envelope(response).status_code == 400
