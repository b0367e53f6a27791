"""Requests with two cookies of the same name, planted by another site of the domain or left from another COOKIE_DOMAIN."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.parity import ApiResult, Headers, via_django, via_wsgi
from accounts.testing.parity import db_releases as db_releases
from accounts.tokens import session_tokens
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session

SignIn = Callable[..., SignedIn]
Send = Callable[..., ApiResult]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases")]

DOMAIN = ".example.com"
EVIL = {"Origin": "https://evil.example"}
READERS = [
    ("GET", "/me"), ("GET", "/profile"), ("GET", "/forward-auth"), ("GET", "/sessions"), ("PATCH", "/me"),
    ("POST", "/logout-all"), ("GET", "/me/"), ("GET", "/forward-auth/"),
]  # fmt: skip


@pytest.fixture(params=[via_django, via_wsgi])
def send(request: pytest.FixtureRequest) -> Send:
    by: Send = request.param
    return by


@pytest.fixture(autouse=True, params=[None, DOMAIN])
def domain(request: pytest.FixtureRequest, settings: Settings) -> str | None:
    domain: str | None = request.param
    settings.ALLOWED_HOSTS, settings.COOKIE_DOMAIN = ["testserver"], domain
    return domain


@pytest.fixture
def attacker(mallory: User, sign_in: SignIn) -> SignedIn:
    return sign_in(mallory)


def _cleared(response: ApiResult) -> set[tuple[str, str]]:
    """Return name and domain of each cookie that the response clears; the domain of a host-only cookie is ""."""
    cleared = set()
    for line in response.headers.get("Set-Cookie", []):
        pair, *attributes = line.split("; ")
        if "Max-Age=0" in attributes:
            domains = [text.partition("=")[2] for text in attributes if text.startswith("Domain=")]
            cleared.add((pair.partition("=")[0], domains[0] if domains else ""))
    return cleared


def _everywhere(domain: str | None, *names: str) -> set[tuple[str, str]]:
    return {(name, cookie_domain) for name in names for cookie_domain in ({"", domain} if domain else {""})}


def _is_rejected(response: ApiResult, domain: str | None, *names: str) -> bool:
    """Return whether the response rejects the request, clears the named cookies, and sets or clears no other cookie."""
    is_all = len(response.headers["Set-Cookie"]) == len(_cleared(response))
    rejected = (response.status, response.code, response.identity) == (401, "token_invalid", {})
    return rejected and is_all and _cleared(response) == _everywhere(domain, *names)


@pytest.mark.parametrize("reader", READERS)
def test_two_access_tokens_are_rejected_and_cleared(
    send: Send, signed_in: SignedIn, attacker: SignedIn, domain: str | None, reader: tuple[str, str]
) -> None:
    for pair in (
        (signed_in.access, attacker.access),
        (attacker.access, signed_in.access),
        (signed_in.access, "x"),
        ("x", signed_in.access),
    ):
        response = send(reader[0], {"Cookie": "theme=dark; jwt={}; a=b; jwt={}".format(*pair)}, reader[1])

        assert _is_rejected(response, domain, "jwt")
    assert signed_in.client.get("/me").status_code == attacker.client.get("/me").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["jwt={}; jwt={}", "jwt={}, jwt={}", "jwt={},jwt={}", "jwt={};jwt={}", "jwt ={}; jwt= {}", 'jwt={}; jwt="{}"',
     "a=b, jwt={}; c=\xc3\xa9, jwt={}", "jwt={};;, jwt={}", "=; jwt={}; =x; jwt={};"],
)  # fmt: skip
def test_two_access_tokens_are_detected_in_any_form_of_cookie_header(
    send: Send, signed_in: SignedIn, attacker: SignedIn, domain: str | None, header: str
) -> None:
    assert _is_rejected(send("GET", {"Cookie": header.format(signed_in.access, attacker.access)}, "/me"), domain, "jwt")
    # Equal values are no conflict, and an empty value counts as absent.
    assert send("GET", {"Cookie": header.format(signed_in.access, signed_in.access)}, "/me").status == 200
    assert send("GET", {"Cookie": header.format(signed_in.access, "")}, "/forward-auth").status == 200


@pytest.mark.parametrize("name", ["xjwt", "jwt2", "JWT", "my-jwt", "my.jwt"])
def test_a_cookie_with_another_name_is_not_a_conflict(send: Send, signed_in: SignedIn, name: str) -> None:
    for cookie in (f"{name}=x; jwt={signed_in.access}", f"jwt={signed_in.access}; {name}=jwt=x; a=jwt"):
        assert send("GET", {"Cookie": cookie}, "/me").status == 200


def test_a_token_in_header_or_body_overrides_conflicting_cookies(
    send: Send, signed_in: SignedIn, attacker: SignedIn
) -> None:
    cookies = {
        "Cookie": f"jwt={signed_in.access}; jwt=x; refreshToken={signed_in.refresh}; refreshToken={attacker.refresh}"
    }

    for path in ("/me", "/forward-auth"):
        assert send("GET", cookies | {"Authorization": f"Bearer {signed_in.access}"}, path).status == 200
    body = json.dumps({"refreshToken": signed_in.refresh}).encode()
    assert send("POST", cookies, "/refresh", body).status == 200
    login = json.dumps({"username": "alice", "password": PASSWORD}).encode()
    assert send("POST", cookies, "/login", login).status == 200


def test_a_logout_with_two_access_tokens_fails_and_clears_all_cookies(
    send: Send, signed_in: SignedIn, attacker: SignedIn, domain: str | None
) -> None:
    cookies = f"jwt={signed_in.access}; jwt={attacker.access}; refreshToken={signed_in.refresh}"

    assert _is_rejected(send("POST", {"Cookie": cookies}, "/logout"), domain, "jwt", "refreshToken")

    assert signed_in.client.get("/me").status_code == attacker.client.get("/me").status_code == 200


def test_a_request_from_another_site_clears_no_cookie(send: Send, signed_in: SignedIn, attacker: SignedIn) -> None:
    cookies = f"jwt={signed_in.access}; jwt=x; refreshToken={signed_in.refresh}; refreshToken={attacker.refresh}"

    for path in ("/refresh", "/logout", "/logout-all"):
        response = send("POST", {"Cookie": cookies} | EVIL, path)
        assert (response.status, response.code) == (403, "origin_not_allowed")
        assert "Set-Cookie" not in response.headers


def _expire(session: SignedIn) -> str:
    row = Session.objects.get(id=session.session_id)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    return session_tokens.mint_refresh(
        user_id=row.user_id, session_id=row.id, jti=row.refresh_jti, issued_at=long_ago, expires_at=long_ago
    )


def _end(session: SignedIn) -> str:
    sessions.revoke(session_id=uuid.UUID(session.session_id), reason=RevokedReason.LOGOUT)
    return session.refresh


def _remove(session: SignedIn) -> str:
    Session.objects.filter(id=session.session_id).delete()
    return session.refresh


def _retire(session: SignedIn) -> str:
    """Rotate the token out of its grace period; presented alone it would count as reuse."""
    assert ApiClient().post("/refresh", {"refreshToken": session.refresh}).status_code == 200
    Session.objects.filter(id=session.session_id).update(rotated_at=datetime.now(UTC) - timedelta(minutes=1))
    return session.refresh


def _retire_now(session: SignedIn) -> str:
    assert ApiClient().post("/refresh", {"refreshToken": session.refresh}).status_code == 200
    return session.refresh


UNUSABLE = [_expire, _end, _remove, _retire, _retire_now]


def _with(send: Send, path: str, *refresh_tokens: str, **headers: str) -> ApiResult:
    cookies = "; ".join(f"refreshToken={token}" for token in refresh_tokens)
    return send("POST", {"Cookie": f"a=b; {cookies}"} | headers, path)


@pytest.mark.parametrize("make_unusable", UNUSABLE)
def test_a_usable_refresh_token_is_used_and_an_unusable_one_cleared(
    send: Send, signed_in: SignedIn, sign_in: SignIn, domain: str | None, make_unusable: Callable[[SignedIn], str]
) -> None:
    unusable = make_unusable(sign_in(signed_in.user))

    for pair in ((signed_in.refresh, unusable), (unusable, signed_in.refresh)):
        with transaction.atomic():
            response = _with(send, "/refresh", *pair)
            transaction.set_rollback(True)

        assert (response.status, response.code) == (200, "ok")
        assert json.loads(response.body)["data"]["session"]["id"] == signed_in.session_id
        assert _cleared(response) == ({("refreshToken", DOMAIN), ("jwt", "")} if domain else set())
    assert not OutboxEmail.objects.exists()
    assert not AuditEvent.objects.filter(kind=AuditKind.REFRESH_TOKEN_REUSED).exists()


def test_a_previous_token_beside_the_current_one_is_not_reuse(send: Send, signed_in: SignedIn) -> None:
    """A browser sends both tokens after a refresh under a new COOKIE_DOMAIN."""
    retired = _retire(signed_in)
    current = _current(signed_in)

    response = _with(send, "/refresh", retired, current)

    assert (response.status, Session.objects.get().revoked_at) == (200, None)


def _current(signed_in: SignedIn) -> str:
    row = Session.objects.get(id=signed_in.session_id)
    times = {"issued_at": row.refresh_issued_at, "expires_at": row.expires_at}
    return session_tokens.mint_refresh(user_id=row.user_id, session_id=row.id, jti=row.refresh_jti, **times)


@pytest.mark.parametrize("make_unusable", UNUSABLE)
def test_a_logout_revokes_the_session_of_the_usable_token_and_clears_both(
    send: Send, signed_in: SignedIn, sign_in: SignIn, domain: str | None, make_unusable: Callable[[SignedIn], str]
) -> None:
    response = _with(send, "/logout", make_unusable(sign_in(signed_in.user)), signed_in.refresh)

    assert (response.status, response.code) == (200, "ok")
    assert Session.objects.get(id=signed_in.session_id).revoked_reason == RevokedReason.LOGOUT
    assert _cleared(response) == _everywhere(domain, "jwt", "refreshToken")
    assert not OutboxEmail.objects.exists()


def _forged(signed_in: SignedIn, attacker: SignedIn) -> str:
    row = Session.objects.get(id=signed_in.session_id)
    times = {"issued_at": row.refresh_issued_at, "expires_at": row.expires_at}
    return session_tokens.mint_refresh(user_id=attacker.user.id, session_id=row.id, jti=row.refresh_jti, **times)


CONFLICTS: dict[str, Callable[[SignedIn, SignedIn], list[str]]] = {
    "of two active sessions": lambda signed_in, attacker: [signed_in.refresh, attacker.refresh],
    "beside garbage": lambda signed_in, _hers: [signed_in.refresh, "x.y.z"],
    "beside an access token": lambda signed_in, _hers: [signed_in.refresh, signed_in.access],
    "beside a token with forged claims": lambda signed_in, attacker: [signed_in.refresh, _forged(signed_in, attacker)],
    "two unusable tokens": lambda signed_in, attacker: [_end(signed_in), _retire(attacker)],
    "more than a browser could have": lambda signed_in, attacker: [signed_in.refresh, _end(attacker), "x", "y"],
}


@pytest.mark.parametrize("conflict", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_any_other_two_refresh_tokens_are_rejected_and_cleared(
    send: Send, signed_in: SignedIn, attacker: SignedIn, domain: str | None, conflict: Callable[..., list[str]]
) -> None:
    pair = conflict(signed_in, attacker)
    before = list(Session.objects.order_by("id").values())

    for refresh_tokens in (pair, pair[::-1]):
        for path in ("/refresh", "/refresh-token", "/refresh/"):
            assert _is_rejected(_with(send, path, *refresh_tokens), domain, "refreshToken")
        assert _is_rejected(_with(send, "/logout", *refresh_tokens), domain, "jwt", "refreshToken")

    assert list(Session.objects.order_by("id").values()) == before
    assert not OutboxEmail.objects.exists()


def test_two_refresh_tokens_are_rejected_beside_a_valid_access_token(
    send: Send, signed_in: SignedIn, attacker: SignedIn, domain: str | None
) -> None:
    cookies = f"jwt={signed_in.access}; refreshToken={signed_in.refresh}; refreshToken="

    for path in ("/me", "/forward-auth", "/sessions"):
        assert _is_rejected(send("GET", {"Cookie": cookies + attacker.refresh}, path), domain, "refreshToken")
        assert send("GET", {"Cookie": cookies + signed_in.refresh}, path).status == 200
    _end(attacker)
    assert send("GET", {"Cookie": cookies + attacker.refresh}, "/me").status == 200


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
def test_two_refresh_tokens_are_rejected_without_an_access_token(
    send: Send, signed_in: SignedIn, attacker: SignedIn, domain: str | None, reader: tuple[str, str]
) -> None:
    method, path = reader
    cookies = {"Cookie": f"refreshToken={signed_in.refresh}; refreshToken={attacker.refresh}"}

    assert _is_rejected(send(method, cookies, path), domain, "refreshToken")
    if method != "GET":
        response = send(method, cookies | EVIL, path)
        assert (response.code, _cleared(response)) == ("origin_not_allowed", set())


def test_only_a_conflict_costs_a_statement(signed_in: SignedIn, attacker: SignedIn) -> None:
    single = {"Cookie": f"jwt={signed_in.access}; refreshToken={signed_in.refresh}"}
    assert via_wsgi("GET", single, "/forward-auth").status == 200

    with CaptureQueriesContext(connection) as statements:
        via_wsgi("GET", single, "/forward-auth")
        via_wsgi("GET", {"Cookie": f"jwt={signed_in.access}; jwt={attacker.access}"}, "/me")

    assert len(statements) == 0


@pytest.mark.parametrize("path", ["/login", "/refresh"])
def test_setting_cookies_clears_those_of_a_former_cookie_domain(
    send: Send, signed_in: SignedIn, domain: str | None, path: str
) -> None:
    body: dict[str, Any] = {"username": "alice", "password": PASSWORD, "refreshToken": signed_in.refresh}

    response = send("POST", {}, path, json.dumps(body).encode())

    assert _cleared(response) == ({("refreshToken", DOMAIN), ("jwt", "")} if domain else set())
    kept = {line.partition("=")[0]: line for line in response.headers["Set-Cookie"] if "Max-Age=0" not in line}
    assert set(kept) == {"jwt", "refreshToken"}
    assert ("Domain" in kept["jwt"], "Domain" in kept["refreshToken"]) == (domain is not None, False)


def test_a_client_that_keys_cookies_by_name_keeps_the_new_value(alice: User) -> None:
    """Some clients key cookies by name alone, so the new cookies must follow the cleared ones."""
    headers: Headers = {"X-Token-Transport": "cookie"}
    response = ApiClient().post("/login", {"username": "alice", "password": PASSWORD}, headers=headers)

    by_name = {cookie.key: cookie.value for cookie in response.cookies.values()}

    assert all(by_name[name] for name in ("jwt", "refreshToken"))
