"""A correctly signed token whose claims contradict its session is rejected by every endpoint.

Only a holder of the signing key can make such a token (a leaked secret, a service that shares the secret). No session is
revoked and no user is notified.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import AuditEvent, OutboxEmail, User
from accounts.services.login import verify_token
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.parity import db_releases as db_releases
from accounts.testing.parity import via_django, via_wsgi
from accounts.testing.service_client import Service, make_service
from core.api.exceptions import TokenInvalid
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases")]

MISSING = object()
FAR_FUTURE = 4_000_000_000
WRONG_TYPES: tuple[Any, ...] = (MISSING, None, True, 1.5, "x", ["vestibule"])
ACCESS, REFRESH = "access", "refresh"


@dataclass(frozen=True)
class Scene:
    alice: SignedIn
    mallory: SignedIn
    service: Service

    def forge(self, kind: str, **claims: Any) -> str:
        """Return alice's current token with other claims, signed with the real key."""
        raw = self.alice.access if kind == ACCESS else self.alice.refresh
        forged = jwt.decode(raw, options={"verify_signature": False}) | claims
        present = {name: value for name, value in forged.items() if value is not MISSING}
        key = settings.JWT_SECRET_KEY if kind == ACCESS else settings.JWT_REFRESH_SECRET
        return _sign(present, key)


def _sign(claims: dict[str, Any], key: str) -> str:
    """Encode by PyJWS, because PyJWT rejects an `iss` that is not a string."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, "HS256", {"typ": "JWT"})


@pytest.fixture
def scene(alice: User, mallory: User, sign_in: SignIn) -> Scene:
    return Scene(sign_in(alice), sign_in(mallory), make_service())


def _contradictions(scene: Scene, kind: str) -> list[dict[str, Any]]:
    """Return claims of the right type that contradict the session."""
    others: list[dict[str, Any]] = [
        {"sub": str(scene.mallory.user.id)}, {"sub": str(uuid.uuid4())}, {"sid": scene.mallory.session_id},
        {"iss": "evil"}, {"aud": "evil"}, {"token_type": "mfa" if kind == ACCESS else ACCESS},
    ]  # fmt: skip
    return others + ([{"exp": FAR_FUTURE}] if kind == REFRESH else [])


def _assert_access_token_rejected(scene: Scene, token: str) -> None:
    for send in (via_django, via_wsgi):
        for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"jwt={token}"}):
            for method, path in (("GET", "/me"), ("GET", "/forward-auth"), ("POST", "/logout-all")):
                response = send(method, headers, path)
                assert (response.status, response.code, response.identity) == (401, "token_invalid", {}), (
                    path,
                    headers,
                )
            assert send("POST", headers, "/logout").status == 200
    with pytest.raises(TokenInvalid):
        verify_token(token)


def _assert_refresh_token_rejected(scene: Scene, token: str) -> None:
    body = f'{{"refreshToken": "{token}"}}'.encode()
    for send in (via_django, via_wsgi):
        for headers, content in (({}, body), ({"Cookie": f"refreshToken={token}"}, b"")):
            response = send("POST", headers, "/refresh", content)
            assert (response.status, response.code) == (401, "token_invalid")
            assert "Set-Cookie" not in response.headers
        assert send("POST", {}, "/logout", body).status == 200
        assert send("POST", {"Cookie": f"refreshToken={token}"}, "/logout").status == 200


ASSERT_REJECTED = {ACCESS: _assert_access_token_rejected, REFRESH: _assert_refresh_token_rejected}


def _assert_rejected_everywhere(scene: Scene, kind: str, token: str) -> None:
    """Assert that every endpoint rejects the token and that no row changes."""
    before = list(Session.objects.order_by("id").values())
    events, emails = AuditEvent.objects.count(), OutboxEmail.objects.count()

    ASSERT_REJECTED[kind](scene, token)

    assert scene.service.introspect(token) == {"active": False}
    assert scene.service.revoke(token).status_code == 200
    assert list(Session.objects.order_by("id").values()) == before
    assert (AuditEvent.objects.count(), OutboxEmail.objects.count()) == (events, emails)


@pytest.mark.parametrize("kind", [ACCESS, REFRESH])
def test_a_token_that_contradicts_its_session_is_invalid_everywhere(scene: Scene, kind: str) -> None:
    for claims in _contradictions(scene, kind):
        _assert_rejected_everywhere(scene, kind, scene.forge(kind, **claims))

    assert scene.alice.client.get("/me").status_code == scene.mallory.client.get("/me").status_code == 200
    for signed_in in (scene.alice, scene.mallory):
        assert ApiClient().post("/refresh", {"refreshToken": signed_in.refresh}).status_code == 200


@pytest.mark.parametrize("kind", [ACCESS, REFRESH])
@pytest.mark.parametrize("name", ["sub", "sid", "jti", "iss", "aud", "exp", "iat", "token_type"])
def test_a_claim_that_is_missing_or_of_another_type_is_invalid_everywhere(scene: Scene, kind: str, name: str) -> None:
    for value in WRONG_TYPES:
        _assert_rejected_everywhere(scene, kind, scene.forge(kind, **{name: value}))


@pytest.mark.parametrize("name", ["username", "role"])
def test_a_name_or_role_that_is_not_a_string_is_invalid(scene: Scene, name: str) -> None:
    for value in (MISSING, None, True, 7, [], {}):
        _assert_rejected_everywhere(scene, ACCESS, scene.forge(ACCESS, **{name: value}))


def test_the_name_and_role_in_a_token_are_ignored(scene: Scene) -> None:
    token = scene.forge(ACCESS, username="root", role="ADMIN")

    assert ApiClient().bearing(token).get("/me").json()["data"]["user"]["role"] == "USER"
    assert via_wsgi("GET", {"Authorization": f"Bearer {token}"}, "/forward-auth").identity["X-Auth-Role"] == "USER"
    assert ApiClient().bearing(token).get("/users").status_code == 403
    assert scene.service.introspect(token)["username"] == "alice"


@pytest.mark.parametrize("kind", [ACCESS, REFRESH])
def test_an_invalid_expired_token_is_reported_as_invalid(scene: Scene, kind: str) -> None:
    """`token_expired` would make the client send a refresh token."""
    for claims in _contradictions(scene, kind)[3:6]:
        _assert_rejected_everywhere(scene, kind, scene.forge(kind, **claims, exp=1_700_000_000))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40) | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["sub", "sid", "iss", "aud", "token_type"]),
    value=VALUES,
    kind=st.sampled_from(list(ASSERT_REJECTED)),
)
def test_no_other_value_of_a_claim_is_accepted(scene: Scene, name: str, value: Any, kind: str) -> None:
    before, token = list(Session.objects.order_by("id").values()), scene.forge(kind, **{name: value})

    headers = {"Authorization": f"Bearer {token}"} if kind == ACCESS else {}
    body = b"" if kind == ACCESS else f'{{"refreshToken": "{token}"}}'.encode()
    responses = [via_wsgi("GET", headers, "/me")] if kind == ACCESS else [via_wsgi("POST", {}, "/refresh", body)]
    via_wsgi("POST", headers, "/logout", body)

    assert [response.code for response in responses] in (["token_invalid"], ["session_revoked"])
    assert list(Session.objects.order_by("id").values()) == before
