"""Sets and clears the two session cookies, and reads how a client wants to receive its tokens."""

import math
from datetime import UTC, datetime
from enum import StrEnum
from http.cookies import Morsel

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from accounts.tokens.session_tokens import TokenPair
from core.api.exceptions import ValidationFailed
from core.api.responses import add_cookies

ACCESS_COOKIE, REFRESH_COOKIE = "jwt", "refreshToken"
REFRESH_PATH = "/api/auth"
_PATHS = {ACCESS_COOKIE: "/", REFRESH_COOKIE: REFRESH_PATH}
TRANSPORT_HEADER = "X-Token-Transport"


class Transport(StrEnum):
    """`BOTH` is the default."""

    COOKIE = "cookie"
    BODY = "body"
    BOTH = ""


def requested_transport(request: HttpRequest | Request) -> Transport:
    try:
        return Transport(request.META.get("HTTP_X_TOKEN_TRANSPORT", "").strip(" \t").lower())
    except ValueError as error:
        raise ValidationFailed(errors={TRANSPORT_HEADER: [_("Must be cookie or body.")]}) from error


def set_cookies(response: HttpResponse, pair: TokenPair, *, is_persistent: bool) -> None:
    """Set both cookies until their tokens expire, or until the browser ends.

    COOKIE_DOMAIN applies to `jwt` only: no other host needs the refresh token.
    """
    access_seconds, refresh_seconds = map(_seconds_until, (pair.access_expires_at, pair.refresh_expires_at))
    add_cookies(response, _stale_cookies())
    _set(response, ACCESS_COOKIE, pair.access, access_seconds if is_persistent else None, settings.COOKIE_DOMAIN)
    _set(response, REFRESH_COOKIE, pair.refresh, refresh_seconds if is_persistent else None, None)


def set_access_cookie(response: HttpResponse, token: str, *, expires_at: datetime, is_persistent: bool) -> None:
    """Replace the access token alone. A session that is not persistent ends with the browser."""
    add_cookies(response, [_cleared(ACCESS_COOKIE, None)] if settings.COOKIE_DOMAIN else [])
    seconds = _seconds_until(expires_at) if is_persistent else None
    _set(response, ACCESS_COOKIE, token, seconds, settings.COOKIE_DOMAIN)


def clear_cookies(response: HttpResponse) -> None:
    """Clear both cookies with the attributes they were set with: browsers ignore another path or domain."""
    add_cookies(response, _stale_cookies())
    _set(response, ACCESS_COOKIE, "", 0, settings.COOKIE_DOMAIN)
    _set(response, REFRESH_COOKIE, "", 0, None)


def cleared_cookies(*names: str) -> list[Morsel[str]]:
    """Return the cookies that clear `names`, on this host and on COOKIE_DOMAIN."""
    return [_cleared(name, domain) for name in names for domain in dict.fromkeys((None, settings.COOKIE_DOMAIN))]


def _stale_cookies() -> list[Morsel[str]]:
    """Clear the cookies under the domains where they are not set now, but may remain from an earlier COOKIE_DOMAIN."""
    domain = settings.COOKIE_DOMAIN
    return [_cleared(ACCESS_COOKIE, None), _cleared(REFRESH_COOKIE, domain)] if domain else []


def _cleared(name: str, domain: str | None) -> Morsel[str]:
    response = HttpResponse()
    _set(response, name, "", 0, domain)
    return response.cookies[name]


def _seconds_until(timestamp: datetime) -> int:
    return max(0, math.ceil((timestamp - datetime.now(UTC)).total_seconds()))


def _set(response: HttpResponse, name: str, value: str, seconds: int | None, domain: str | None) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path=_PATHS[name], domain=domain,
        secure=is_secure(), httponly=True, samesite=settings.COOKIE_SAMESITE,  # type: ignore[arg-type]
    )  # fmt: skip


def is_secure() -> bool:
    """Return True in production, and for SameSite=None, which browsers reject without Secure. Localhost accepts Secure."""
    return not settings.DEBUG or settings.COOKIE_SAMESITE == "None"
