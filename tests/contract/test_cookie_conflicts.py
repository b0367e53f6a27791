"""Two different cookies of one name in a request: planted by another site of the domain, or left from another COOKIE_DOMAIN."""

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
def ask(request: pytest.FixtureRequest) -> Send:
    by: Send = request.param
    return by


@pytest.fixture(autouse=True, params=[None, DOMAIN])
def domain(request: pytest.FixtureRequest, settings: Settings) -> str | None:
    domain: str | None = request.param
    settings.ALLOWED_HOSTS, settings.COOKIE_DOMAIN = ["testserver"], domain
    return domain


@pytest.fixture
def here(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice)


@pytest.fixture
def hers(mallory: User, sign_in: SignIn) -> SignedIn:
    return sign_in(mallory)


def _cleared(response: ApiResult) -> set[tuple[str, str]]:
    """Name and domain of each cookie that the response clears, "" for this host alone."""
    found = set()
    for line in response.headers.get("Set-Cookie", []):
        pair, *attributes = line.split("; ")
        if "Max-Age=0" in attributes:
            domains = [text.partition("=")[2] for text in attributes if text.startswith("Domain=")]
            found.add((pair.partition("=")[0], domains[0] if domains else ""))
    return found


def _everywhere(domain: str | None, *names: str) -> set[tuple[str, str]]:
    return {(name, place) for name in names for place in ({"", domain} if domain else {""})}


def _is_refused(response: ApiResult, domain: str | None, *names: str) -> bool:
    """And nothing else is set or cleared."""
    is_all = len(response.headers["Set-Cookie"]) == len(_cleared(response))
    refused = (response.status, response.code, response.identity) == (401, "token_invalid", {})
    return refused and is_all and _cleared(response) == _everywhere(domain, *names)


@pytest.mark.parametrize("reader", READERS)
def test_two_access_tokens_are_rejected_and_cleared(
    ask: Send, here: SignedIn, hers: SignedIn, domain: str | None, reader: tuple[str, str]
) -> None:
    for pair in ((here.access, hers.access), (hers.access, here.access), (here.access, "x"), ("x", here.access)):
        response = ask(reader[0], {"Cookie": "theme=dark; jwt={}; a=b; jwt={}".format(*pair)}, reader[1])

        assert _is_refused(response, domain, "jwt")
    assert here.client.get("/me").status_code == hers.client.get("/me").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["jwt={}; jwt={}", "jwt={}, jwt={}", "jwt={},jwt={}", "jwt={};jwt={}", "jwt ={}; jwt= {}", 'jwt={}; jwt="{}"',
     "a=b, jwt={}; c=\xc3\xa9, jwt={}", "jwt={};;, jwt={}", "=; jwt={}; =x; jwt={};"],
)  # fmt: skip
def test_two_access_tokens_are_detected_in_any_form_of_cookie_header(
    ask: Send, here: SignedIn, hers: SignedIn, domain: str | None, header: str
) -> None:
    assert _is_refused(ask("GET", {"Cookie": header.format(here.access, hers.access)}, "/me"), domain, "jwt")
    # Two of one value are one cookie, and an empty one is none.
    assert ask("GET", {"Cookie": header.format(here.access, here.access)}, "/me").status == 200
    assert ask("GET", {"Cookie": header.format(here.access, "")}, "/forward-auth").status == 200


@pytest.mark.parametrize("name", ["xjwt", "jwt2", "JWT", "my-jwt", "my.jwt"])
def test_a_cookie_with_another_name_is_not_a_conflict(ask: Send, here: SignedIn, name: str) -> None:
    for cookie in (f"{name}=x; jwt={here.access}", f"jwt={here.access}; {name}=jwt=x; a=jwt"):
        assert ask("GET", {"Cookie": cookie}, "/me").status == 200


def test_a_token_in_header_or_body_overrides_conflicting_cookies(ask: Send, here: SignedIn, hers: SignedIn) -> None:
    cookies = {"Cookie": f"jwt={here.access}; jwt=x; refreshToken={here.refresh}; refreshToken={hers.refresh}"}

    for path in ("/me", "/forward-auth"):
        assert ask("GET", cookies | {"Authorization": f"Bearer {here.access}"}, path).status == 200
    body = json.dumps({"refreshToken": here.refresh}).encode()
    assert ask("POST", cookies, "/refresh", body).status == 200
    login = json.dumps({"username": "alice", "password": PASSWORD}).encode()
    assert ask("POST", cookies, "/login", login).status == 200


def test_a_logout_with_two_access_tokens_fails_and_clears_all_cookies(
    ask: Send, here: SignedIn, hers: SignedIn, domain: str | None
) -> None:
    cookies = f"jwt={here.access}; jwt={hers.access}; refreshToken={here.refresh}"

    assert _is_refused(ask("POST", {"Cookie": cookies}, "/logout"), domain, "jwt", "refreshToken")

    assert here.client.get("/me").status_code == hers.client.get("/me").status_code == 200


def test_a_request_from_another_site_clears_no_cookie(ask: Send, here: SignedIn, hers: SignedIn) -> None:
    cookies = f"jwt={here.access}; jwt=x; refreshToken={here.refresh}; refreshToken={hers.refresh}"

    for path in ("/refresh", "/logout", "/logout-all"):
        response = ask("POST", {"Cookie": cookies} | EVIL, path)
        assert (response.status, response.code) == (403, "origin_not_allowed")
        assert "Set-Cookie" not in response.headers


def _expire(dead: SignedIn) -> str:
    row = Session.objects.get(id=dead.session_id)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    return session_tokens.mint_refresh(
        user_id=row.user_id, session_id=row.id, jti=row.refresh_jti, issued_at=long_ago, expires_at=long_ago
    )


def _end(dead: SignedIn) -> str:
    sessions.revoke(session_id=uuid.UUID(dead.session_id), reason=RevokedReason.LOGOUT)
    return dead.refresh


def _remove(dead: SignedIn) -> str:
    Session.objects.filter(id=dead.session_id).delete()
    return dead.refresh


def _retire(dead: SignedIn) -> str:
    """Past its grace: presented alone it would be theft."""
    assert ApiClient().post("/refresh", {"refreshToken": dead.refresh}).status_code == 200
    Session.objects.filter(id=dead.session_id).update(rotated_at=datetime.now(UTC) - timedelta(minutes=1))
    return dead.refresh


def _retire_now(dead: SignedIn) -> str:
    assert ApiClient().post("/refresh", {"refreshToken": dead.refresh}).status_code == 200
    return dead.refresh


DEAD = [_expire, _end, _remove, _retire, _retire_now]


def _with(ask: Send, path: str, *refresh_tokens: str, **headers: str) -> ApiResult:
    cookies = "; ".join(f"refreshToken={token}" for token in refresh_tokens)
    return ask("POST", {"Cookie": f"a=b; {cookies}"} | headers, path)


@pytest.mark.parametrize("kill", DEAD)
def test_a_usable_refresh_token_is_used_and_an_unusable_one_cleared(
    ask: Send, here: SignedIn, sign_in: SignIn, domain: str | None, kill: Callable[[SignedIn], str]
) -> None:
    dead = kill(sign_in(here.user))

    for pair in ((here.refresh, dead), (dead, here.refresh)):
        with transaction.atomic():
            response = _with(ask, "/refresh", *pair)
            transaction.set_rollback(True)

        assert (response.status, response.code) == (200, "ok")
        assert json.loads(response.body)["data"]["session"]["id"] == here.session_id
        assert _cleared(response) == ({("refreshToken", DOMAIN), ("jwt", "")} if domain else set())
    assert not OutboxEmail.objects.exists()
    assert not AuditEvent.objects.filter(kind=AuditKind.REFRESH_TOKEN_REUSED).exists()


def test_a_previous_token_beside_the_current_one_is_not_reuse(ask: Send, here: SignedIn) -> None:
    """As a browser sends them whose cookie moved from one domain to the other with a refresh."""
    retired = _retire(here)
    current = _current(here)

    response = _with(ask, "/refresh", retired, current)

    assert (response.status, Session.objects.get().revoked_at) == (200, None)


def _current(signed_in: SignedIn) -> str:
    row = Session.objects.get(id=signed_in.session_id)
    times = {"issued_at": row.refresh_issued_at, "expires_at": row.expires_at}
    return session_tokens.mint_refresh(user_id=row.user_id, session_id=row.id, jti=row.refresh_jti, **times)


@pytest.mark.parametrize("kill", DEAD)
def test_a_logout_revokes_the_session_of_the_usable_token_and_clears_both(
    ask: Send, here: SignedIn, sign_in: SignIn, domain: str | None, kill: Callable[[SignedIn], str]
) -> None:
    response = _with(ask, "/logout", kill(sign_in(here.user)), here.refresh)

    assert (response.status, response.code) == (200, "ok")
    assert Session.objects.get(id=here.session_id).revoked_reason == RevokedReason.LOGOUT
    assert _cleared(response) == _everywhere(domain, "jwt", "refreshToken")
    assert not OutboxEmail.objects.exists()


def _forged(here: SignedIn, hers: SignedIn) -> str:
    row = Session.objects.get(id=here.session_id)
    times = {"issued_at": row.refresh_issued_at, "expires_at": row.expires_at}
    return session_tokens.mint_refresh(user_id=hers.user.id, session_id=row.id, jti=row.refresh_jti, **times)


CONFLICTS: dict[str, Callable[[SignedIn, SignedIn], list[str]]] = {
    "of two live sessions": lambda here, hers: [here.refresh, hers.refresh],
    "beside garbage": lambda here, _hers: [here.refresh, "x.y.z"],
    "beside an access token": lambda here, _hers: [here.refresh, here.access],
    "beside one whose claims are forged": lambda here, hers: [here.refresh, _forged(here, hers)],
    "two dead": lambda here, hers: [_end(here), _retire(hers)],
    "more than a browser could have": lambda here, hers: [here.refresh, _end(hers), "x", "y"],
}


@pytest.mark.parametrize("conflict", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_any_other_two_refresh_tokens_are_rejected_and_cleared(
    ask: Send, here: SignedIn, hers: SignedIn, domain: str | None, conflict: Callable[..., list[str]]
) -> None:
    pair = conflict(here, hers)
    before = list(Session.objects.order_by("id").values())

    for refresh_tokens in (pair, pair[::-1]):
        for path in ("/refresh", "/refresh-token", "/refresh/"):
            assert _is_refused(_with(ask, path, *refresh_tokens), domain, "refreshToken")
        assert _is_refused(_with(ask, "/logout", *refresh_tokens), domain, "jwt", "refreshToken")

    assert list(Session.objects.order_by("id").values()) == before
    assert not OutboxEmail.objects.exists()


def test_two_refresh_tokens_are_rejected_beside_a_valid_access_token(
    ask: Send, here: SignedIn, hers: SignedIn, domain: str | None
) -> None:
    cookies = f"jwt={here.access}; refreshToken={here.refresh}; refreshToken="

    for path in ("/me", "/forward-auth", "/sessions"):
        assert _is_refused(ask("GET", {"Cookie": cookies + hers.refresh}, path), domain, "refreshToken")
        assert ask("GET", {"Cookie": cookies + here.refresh}, path).status == 200
    _end(hers)
    assert ask("GET", {"Cookie": cookies + hers.refresh}, "/me").status == 200


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
def test_two_refresh_tokens_are_rejected_without_an_access_token(
    ask: Send, here: SignedIn, hers: SignedIn, domain: str | None, reader: tuple[str, str]
) -> None:
    method, path = reader
    cookies = {"Cookie": f"refreshToken={here.refresh}; refreshToken={hers.refresh}"}

    assert _is_refused(ask(method, cookies, path), domain, "refreshToken")
    if method != "GET":
        response = ask(method, cookies | EVIL, path)
        assert (response.code, _cleared(response)) == ("origin_not_allowed", set())


def test_only_a_conflict_costs_a_statement(here: SignedIn, hers: SignedIn) -> None:
    single = {"Cookie": f"jwt={here.access}; refreshToken={here.refresh}"}
    assert via_wsgi("GET", single, "/forward-auth").status == 200

    with CaptureQueriesContext(connection) as statements:
        via_wsgi("GET", single, "/forward-auth")
        via_wsgi("GET", {"Cookie": f"jwt={here.access}; jwt={hers.access}"}, "/me")

    assert len(statements) == 0


@pytest.mark.parametrize("path", ["/login", "/refresh"])
def test_setting_cookies_clears_those_of_a_former_cookie_domain(
    ask: Send, here: SignedIn, domain: str | None, path: str
) -> None:
    body: dict[str, Any] = {"username": "alice", "password": PASSWORD, "refreshToken": here.refresh}

    response = ask("POST", {}, path, json.dumps(body).encode())

    assert _cleared(response) == ({("refreshToken", DOMAIN), ("jwt", "")} if domain else set())
    kept = {line.partition("=")[0]: line for line in response.headers["Set-Cookie"] if "Max-Age=0" not in line}
    assert set(kept) == {"jwt", "refreshToken"}
    assert ("Domain" in kept["jwt"], "Domain" in kept["refreshToken"]) == (domain is not None, False)


def test_a_client_that_keys_cookies_by_name_keeps_the_new_value(alice: User) -> None:
    """Some clients key cookies by their name alone; what is set has to come after what is cleared."""
    headers: Headers = {"X-Token-Transport": "cookie"}
    reply = ApiClient().post("/login", {"username": "alice", "password": PASSWORD}, headers=headers)

    by_name = {cookie.key: cookie.value for cookie in reply.cookies.values()}

    assert all(by_name[name] for name in ("jwt", "refreshToken"))
