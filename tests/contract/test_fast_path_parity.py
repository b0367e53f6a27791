"""A request of FAST_PATHS gets the same status, headers and body as on the ordinary path, also for failures."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from accounts.api.fast_paths import FAST_PATHS
from accounts.testing.api_client import SignedIn
from accounts.testing.parity import Headers, normalized, via_django, via_wsgi
from accounts.testing.parity import db_releases as db_releases
from core.api.viewsets import ViewSet

SignIn = Callable[..., SignedIn]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases")]

BEARER, COOKIES = {"Authorization": "Bearer {access}"}, {"Cookie": "jwt={access}; refreshToken={refresh}; a=b"}
VALID = [BEARER, COOKIES]
INVALID: list[Headers] = [
    {}, {"Authorization": "Bearer {refresh}"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer a.b.c"},
    {"Cookie": "jwt={refresh}"}, {"Cookie": "jwt={access}; jwt={refresh}"}, BEARER | {"Host": "evil.example"},
]  # fmt: skip
TRUSTED_ORIGIN, OTHER_ORIGIN = {"Origin": "https://app.example.com"}, {"Origin": "https://evil.example"}
VARIATIONS: list[Headers] = [
    {}, {"Accept-Language": "fr"}, {"Accept-Language": "fr;q=0, *"}, {"Accept": "text/html"}, {"User-Agent": "\x00é"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}, {"Sec-Fetch-Site": "same-origin"},
    TRUSTED_ORIGIN, TRUSTED_ORIGIN | {"Sec-Fetch-Site": "cross-site"}, OTHER_ORIGIN, {"Origin": "null"},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _production_settings(settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.CORS_ALLOWED_ORIGINS = ["testserver"], ["https://app.example.com"]
    settings.COOKIE_DOMAIN, settings.SECURE_HSTS_SECONDS, settings.RATE_LIMITS = ".example.com", 3600, True


def _filled(headers: Headers, signed_in: SignedIn) -> Headers:
    return {name: text.format(access=signed_in.access, refresh=signed_in.refresh) for name, text in headers.items()}


def _responses(path: str, headers: Headers) -> list[tuple[Any, ...]]:
    """Send the request through the fast path, past it by a trailing slash, and with Django's test client."""
    path = path.removeprefix("/api/auth")
    with time_machine.travel(datetime.now(UTC), tick=False):
        return [
            normalized(response)
            for response in (
                via_wsgi("GET", headers, path),
                via_wsgi("GET", headers, f"{path}/"),
                via_django("GET", headers, path),
            )
        ]


@pytest.mark.parametrize("request_line", FAST_PATHS, ids=" ".join)
@pytest.mark.parametrize("credentials", [*VALID, *INVALID], ids=str)
def test_a_fast_path_responds_as_the_ordinary_path(
    request_line: tuple[str, str], credentials: Headers, signed_in: SignedIn
) -> None:
    for variation in VARIATIONS:
        fast, slash, django = _responses(request_line[1], _filled(credentials, signed_in) | variation)

        assert fast == slash == django, variation


@pytest.mark.parametrize("request_line", FAST_PATHS, ids=" ".join)
@pytest.mark.parametrize("variation", [{}, TRUSTED_ORIGIN], ids=["no origin", "trusted origin"])
@pytest.mark.parametrize("credentials", VALID, ids=["bearer", "cookies"])
def test_a_success_does_not_reach_django(
    request_line: tuple[str, str],
    variation: Headers,
    credentials: Headers,
    signed_in: SignedIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ViewSet, "dispatch", lambda *_args, **_kwargs: 1 / 0)
    headers = _filled(credentials, signed_in) | variation

    response = via_wsgi("GET", headers, request_line[1].removeprefix("/api/auth"))

    assert response.status == 200
    assert ("access-control-allow-origin" in response.headers) == bool(variation)


@pytest.mark.parametrize("request_line", FAST_PATHS, ids=" ".join)
def test_a_revoked_session_gets_the_same_failure_on_both_paths(
    request_line: tuple[str, str], signed_in: SignedIn
) -> None:
    signed_in.client.post("/logout")

    for variation in VARIATIONS:
        fast, slash, django = _responses(request_line[1], _filled(BEARER, signed_in) | variation)

        assert fast == slash == django, variation
        assert fast[0] == 401


def test_a_fast_path_is_a_safe_method_without_a_body() -> None:
    assert {method for method, _path in FAST_PATHS} == {"GET"}
