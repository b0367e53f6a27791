"""The two cookies of a session, and which way a client wants its tokens."""

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
    """`BOTH` is what a client gets that does not choose."""

    COOKIE = "cookie"
    BODY = "body"
    BOTH = ""


def requested_transport(request: HttpRequest | Request) -> Transport:
    try:
        return Transport(request.META.get("HTTP_X_TOKEN_TRANSPORT", "").strip(" \t").lower())
    except ValueError as error:
        raise ValidationFailed(errors={TRANSPORT_HEADER: [_("Must be cookie or body.")]}) from error


def set_cookies(response: HttpResponse, pair: TokenPair) -> None:
    """Each lives as long as its token. COOKIE_DOMAIN is for the access token alone: no other host needs the refresh token."""
    add_cookies(response, _stale_cookies())
    _set(response, ACCESS_COOKIE, pair.access, _seconds_until(pair.access_expires_at), settings.COOKIE_DOMAIN)
    _set(response, REFRESH_COOKIE, pair.refresh, _seconds_until(pair.refresh_expires_at), None)


def clear_cookies(response: HttpResponse) -> None:
    """With the very attributes they were set with: a browser keeps a cookie that is cleared under another path or domain."""
    add_cookies(response, _stale_cookies())
    _set(response, ACCESS_COOKIE, "", 0, settings.COOKIE_DOMAIN)
    _set(response, REFRESH_COOKIE, "", 0, None)


def cleared_cookies(*names: str) -> list[Morsel[str]]:
    """Return what clears these cookies on this host and on COOKIE_DOMAIN."""
    return [_cleared(name, domain) for name in names for domain in dict.fromkeys((None, settings.COOKIE_DOMAIN))]


def _stale_cookies() -> list[Morsel[str]]:
    """Return what clears the cookies where they are never set, but may be left from before COOKIE_DOMAIN was changed."""
    domain = settings.COOKIE_DOMAIN
    return [_cleared(ACCESS_COOKIE, None), _cleared(REFRESH_COOKIE, domain)] if domain else []


def _cleared(name: str, domain: str | None) -> Morsel[str]:
    response = HttpResponse()
    _set(response, name, "", 0, domain)
    return response.cookies[name]


def _seconds_until(moment: datetime) -> int:
    return max(0, math.ceil((moment - datetime.now(UTC)).total_seconds()))


def _set(response: HttpResponse, name: str, value: str, seconds: int, domain: str | None) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path=_PATHS[name], domain=domain,
        secure=_is_secure(), httponly=True, samesite=settings.COOKIE_SAMESITE,  # type: ignore[arg-type]
    )  # fmt: skip


def _is_secure() -> bool:
    """Browsers drop a cookie with SameSite=None that is not Secure; from http://localhost they take a Secure one."""
    return not settings.DEBUG or settings.COOKIE_SAMESITE == "None"
