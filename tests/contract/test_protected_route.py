"""A protected route accepts only a valid access token of an active session, in the header or the cookie."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Role, User
from accounts.services.login import verify_token
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.tokens import session_tokens
from core.api.exceptions import SessionRevoked, TokenExpired, TokenInvalid
from sessions_tracking.authentication_context import authenticated_now
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]

ABSENT = "00000000-0000-7000-8000-000000000000"
PROTECTED = [
    ("GET", "/me"), ("PATCH", "/me"), ("DELETE", "/me"), ("GET", "/profile"), ("GET", "/me/export"),
    ("GET", "/sessions"), ("GET", f"/sessions/{ABSENT}"), ("PATCH", f"/sessions/{ABSENT}"),
    ("DELETE", f"/sessions/{ABSENT}"), ("POST", "/logout-all"), ("POST", "/change-password"),
    ("HEAD", "/me"), ("OPTIONS", "/me"), ("OPTIONS", "/sessions"),
]  # fmt: skip


def _segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claims(signed_in: SignedIn) -> dict[str, Any]:
    return dict(jwt.decode(signed_in.access, options={"verify_signature": False}))


def _signed(claims: dict[str, Any], key: str, **headers: Any) -> str:
    return jwt.encode(claims, key, algorithm="HS256", headers=headers)


def _assert_refused(client: ApiClient, token: str, code: str = "token_invalid") -> None:
    response = client.bearing(token).get("/me")
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response["WWW-Authenticate"] == "Bearer"
    assert "data" not in response.json()


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_a_protected_route_requires_a_token(api: ApiClient, db: None, method: str, path: str) -> None:
    response = api.generic(method, path)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    if method != "HEAD":
        assert set(response.json()) == {"success", "message", "code"}
        assert response.json()["code"] == "authentication_required"


def test_a_token_works_in_header_and_cookie(api: ApiClient, signed_in: SignedIn) -> None:
    api.cookies["jwt"] = signed_in.access

    by_cookie, by_header = api.get("/me"), signed_in.client.get("/me")

    assert by_cookie.status_code == by_header.status_code == 200
    assert by_cookie.json() == by_header.json()


@pytest.mark.parametrize("header", ["Bearer x", "Bearer ", "Bearer", "Basic YTpi", "", "Token x", "Bearer a b"])
def test_a_valid_cookie_does_not_replace_an_invalid_header(api: ApiClient, signed_in: SignedIn, header: str) -> None:
    api.cookies["jwt"] = signed_in.access

    response = api.get("/me", headers={"Authorization": header})

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")


def test_a_valid_header_takes_precedence_over_another_users_cookie(
    api: ApiClient, signed_in: SignedIn, mallory: User, sign_in: SignIn
) -> None:
    api.cookies["jwt"] = sign_in(mallory).access

    response = api.get("/me", headers={"Authorization": f"Bearer {signed_in.access}"})

    assert response.json()["data"]["user"]["username"] == "alice"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(api: ApiClient, signed_in: SignedIn, scheme: str) -> None:
    assert api.get("/me", headers={"Authorization": f"{scheme} {signed_in.access}"}).status_code == 200


@pytest.mark.parametrize(
    "form", ["JWT {}", "Token {}", "{}", "Bearer {} {}", "Bearer  {}", "Bearer {} ", "\xff\xfe {}", "Bearer \xff{}"]
)
def test_a_malformed_authorization_header_is_rejected(api: ApiClient, signed_in: SignedIn, form: str) -> None:
    response = api.get("/me", headers={"Authorization": form.format(signed_in.access, signed_in.access)})

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "HS512", "RS256", None, 7, ["HS256"], {"HS256": 1}]
)
def test_a_token_cannot_choose_its_algorithm(api: ApiClient, signed_in: SignedIn, algorithm: object) -> None:
    payload, signature = signed_in.access.split(".")[1:]
    header = _segment({"alg": algorithm, "typ": "JWT"})

    _assert_refused(api, f"{header}.{payload}.")
    _assert_refused(api, f"{header}.{payload}.{signature}")


def test_a_tampered_payload_is_rejected(api: ApiClient, signed_in: SignedIn, mallory: User) -> None:
    header, _, signature = signed_in.access.split(".")
    payload = _segment(_claims(signed_in) | {"sub": str(mallory.id), "role": "ADMIN"})

    for forged in (signature, signature[:-4], "", signature[::-1]):
        _assert_refused(api, f"{header}.{payload}.{forged}")


@pytest.mark.parametrize(
    "key", ["", "secret", "your_secret_key_here", "changeme", "django-insecure-0123456789-0123456789-0123456789"]
)
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_a_token_signed_with_a_well_known_key_is_rejected(api: ApiClient, signed_in: SignedIn, key: str) -> None:
    header, payload = _segment({"alg": "HS256", "typ": "JWT"}), _segment(_claims(signed_in))
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{header}.{payload}".encode(), key.encode())

    _assert_refused(api, f"{header}.{payload}.{_segment(signature)}")


def test_a_refresh_token_is_not_accepted_as_an_access_token(api: ApiClient, signed_in: SignedIn) -> None:
    _assert_refused(api, signed_in.refresh)
    api.cookies["jwt"] = signed_in.refresh

    assert api.get("/me").json()["code"] == "token_invalid"


@pytest.mark.parametrize("kind", ["refresh", "mfa", "email", "reset", "", None, 1, ["access"]])
def test_a_signed_token_of_another_type_is_rejected(
    api: ApiClient, signed_in: SignedIn, settings: Settings, kind: object
) -> None:
    _assert_refused(api, _signed(_claims(signed_in) | {"token_type": kind}, settings.JWT_SECRET_KEY))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"}, {"aud": "another service"}, {"aud": []}, {"iss": 7}, {"sub": 7}, {"sub": "alice"}, {"sub": ["x"]},
        {"sid": None}, {"sid": "1"}, {"sid": 1}, {"jti": ""}, {"jti": {}}, {"exp": "tomorrow"}, {"exp": None}, {"exp": 4e9},
        {"exp": 1e300}, {"iat": "now"}, {"iat": []}, {"iat": False}, {"username": 7}, {"username": None}, {"role": []},
        {"nbf": 9e9},
    ],
)  # fmt: skip
def test_a_claim_with_an_invalid_value_is_rejected(
    api: ApiClient, signed_in: SignedIn, settings: Settings, changes: dict[str, Any]
) -> None:
    claims = _claims(signed_in) | changes
    header, payload = _segment({"alg": "HS256", "typ": "JWT"}), _segment(claims)
    key = settings.JWT_SECRET_KEY.encode()
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{header}.{payload}".encode(), key)

    _assert_refused(api, f"{header}.{payload}.{_segment(signature)}")


@pytest.mark.parametrize("claim", ["sub", "sid", "jti", "iat", "exp", "iss", "aud", "token_type", "username", "role"])
def test_a_missing_claim_is_rejected(api: ApiClient, signed_in: SignedIn, settings: Settings, claim: str) -> None:
    claims = _claims(signed_in)
    del claims[claim]

    _assert_refused(api, _signed(claims, settings.JWT_SECRET_KEY))


def test_a_future_iat_is_accepted(api: ApiClient, signed_in: SignedIn, settings: Settings) -> None:
    ahead = _claims(signed_in)
    ahead["iat"] += 120

    assert api.bearing(_signed(ahead, settings.JWT_SECRET_KEY)).get("/me").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"crit": ["exp"]}, {"crit": "b64", "b64": False}, {"b64": False, "crit": ["b64"]}, {"kid": 7}, {"kid": ["a"]},
        {"crit": ["unknown"], "unknown": 1},
    ],
)  # fmt: skip
def test_an_unsupported_critical_header_is_rejected(
    api: ApiClient, signed_in: SignedIn, settings: Settings, headers: dict[str, Any]
) -> None:
    header, payload = _segment({"alg": "HS256", "typ": "JWT"} | headers), _segment(_claims(signed_in))
    signature = jwt.get_algorithm_by_name("HS256").sign(
        f"{header}.{payload}".encode(), settings.JWT_SECRET_KEY.encode()
    )

    _assert_refused(api, f"{header}.{payload}.{_segment(signature)}")


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "../../../../dev/null"}, {"kid": "' OR 1=1--"}, {"jku": "http://127.0.0.1:9/jwks.json"},
        {"x5u": "http://127.0.0.1:9/cert"}, {"jwk": {"kty": "oct", "k": "bXkgb3duIGtleSwgbG9uZyBlbm91Z2ggZm9yIEhTMjU2ISEh"}},
    ],
)  # fmt: skip
def test_a_header_cannot_choose_the_key(api: ApiClient, signed_in: SignedIn, headers: dict[str, Any]) -> None:
    _assert_refused(api, _signed(_claims(signed_in), "my own key, long enough for HS256!!!", **headers))


@pytest.mark.parametrize(
    "token",
    [
        "x", ".", "..", "...", "a.b.c", "a.b.c.d.e", f"{_segment([])}.{_segment({})}.x", f"{_segment(b'{' * 900)}.x.x",
        f"{_segment(bytes(range(128, 256)))}.x.x", f"{_segment(b'[' * 2900)}.x.x", "A" * 4096, "A" * 8000, "null", "\x7f", "%00",
        f"{_segment({'alg': 'HS256'})}.{_segment(b'[' * 2000)}.x", f"{_segment({'alg': 'dir', 'enc': 'A128GCM'})}.a.b.c.d",
    ],
)  # fmt: skip
def test_a_malformed_token_is_rejected(api: ApiClient, db: None, token: str) -> None:
    _assert_refused(api, token)


@pytest.mark.parametrize("token", ["x\x00y", "\xff\xfe", "é", "a\tb"])
def test_unusual_bytes_in_the_cookie_are_rejected(api: ApiClient, db: None, token: str) -> None:
    response = api.get("/me", headers={"Cookie": f"jwt={token}"})

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")


def test_an_expired_token_has_a_code_of_its_own(api: ApiClient, signed_in: SignedIn) -> None:
    expires_at = datetime.fromtimestamp(_claims(signed_in)["exp"], UTC)

    with time_machine.travel(expires_at - timedelta(seconds=1), tick=False):
        assert signed_in.client.get("/me").status_code == 200
    with time_machine.travel(expires_at, tick=False):
        _assert_refused(api, signed_in.access, "token_expired")


def test_an_access_token_never_outlives_its_session(alice: User, sign_in: SignIn, settings: Settings) -> None:
    settings.JWT_REFRESH_EXPIRY = timedelta(minutes=5)

    signed_in = sign_in(alice)

    assert _claims(signed_in)["exp"] - _claims(signed_in)["iat"] == 300
    assert signed_in.data["tokens"]["accessExpiresAt"] == signed_in.data["tokens"]["refreshExpiresAt"]


def test_role_and_username_come_from_the_database_not_the_claims(
    signed_in: SignedIn, alice: User, settings: Settings
) -> None:
    forged = _signed(_claims(signed_in) | {"role": "ADMIN", "username": "root"}, settings.JWT_SECRET_KEY)

    principal = verify_token(forged)

    assert (principal.id, principal.username, principal.role) == (alice.id, "alice", Role.USER)


def test_verify_token_raises_the_specific_error(signed_in: SignedIn) -> None:
    with pytest.raises(TokenInvalid):
        verify_token(signed_in.refresh)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False), pytest.raises(TokenExpired):
        verify_token(signed_in.access)
    signed_in.client.post("/logout")
    with pytest.raises(SessionRevoked):
        verify_token(signed_in.access)


def test_a_token_of_a_nonexistent_session_is_rejected(api: ApiClient, alice: User) -> None:
    ends = datetime.now(UTC) + timedelta(days=1)
    token, _ = session_tokens.mint_access(
        user_id=alice.id,
        username="alice",
        role="USER",
        session_id=uuid.uuid4(),
        session_ends_at=ends,
        context=authenticated_now("pwd"),
    )

    _assert_refused(api, token, "session_revoked")


def test_a_cached_token_check_costs_no_sql(signed_in: SignedIn) -> None:
    verify_token(signed_in.access)

    with CaptureQueriesContext(connection) as queries:
        verify_token(signed_in.access)

    assert len(queries) == 0


def test_an_expired_session_is_rejected_without_a_revocation(api: ApiClient, signed_in: SignedIn) -> None:
    Session.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    _assert_refused(api, signed_in.access, "session_revoked")
