"""Reads the two cookies of a session, and refuses a request that has two different ones of one name."""

import re

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.api.cookies import ACCESS_COOKIE, REFRESH_COOKIE, cleared_cookies
from accounts.services import token_refresh
from config.api.exceptions import TokenInvalid

# A server joins two Cookie headers with a comma or a semicolon (RFC 3875 §4.1.18). No token holds either.
_PATTERNS = {name: re.compile(rf"(?:^|[;,])[ \t]*{name}[ \t]*=([^;,]*)") for name in (ACCESS_COOKIE, REFRESH_COOKIE)}


class ConflictingCookies(TokenInvalid):
    """Two different cookies of one name: another site of the domain may have planted one, and which is not told (RFC 6265 §8.6).

    The response clears those cookies on this host and on COOKIE_DOMAIN.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.cookies = cleared_cookies(*names)


def cookie_values(request: HttpRequest | Request, name: str) -> list[str]:
    """Return the different values of the cookie, in order, without empty ones. `request.COOKIES` would hold the last alone."""
    header = request.META.get("HTTP_COOKIE", "")
    if name not in header:
        return []
    values = [value.strip(' \t"') for value in _PATTERNS[name].findall(header)]
    return list(dict.fromkeys(filter(None, values)))


def access_cookie(request: HttpRequest | Request) -> str | None:
    """Return the access token of the cookie. Raises ConflictingCookies, for two different refresh tokens too."""
    values = cookie_values(request, ACCESS_COOKIE)
    if len(values) > 1:
        raise ConflictingCookies(ACCESS_COOKIE)
    if values and request.META["HTTP_COOKIE"].count(REFRESH_COOKIE) > 1:
        refresh_cookie(request)
    return values[0] if values else None


def refresh_cookie(request: HttpRequest | Request) -> str | None:
    """Return the refresh token of the cookie: of several the usable one, if the others are ours and dead.

    Raises ConflictingCookies.
    """
    values = cookie_values(request, REFRESH_COOKIE)
    if len(values) < 2:
        return values[0] if values else None
    try:
        return token_refresh.pick_usable(values)
    except TokenInvalid as error:
        raise ConflictingCookies(REFRESH_COOKIE) from error
