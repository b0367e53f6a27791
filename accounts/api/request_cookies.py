"""Reads the two session cookies, and rejects a request with two different cookies of one name."""

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.api.cookies import ACCESS_COOKIE, REFRESH_COOKIE, cleared_cookies
from accounts.services import refresh
from core.api.exceptions import TokenInvalid

_BLANKS = " \t"
_QUOTES = f'{_BLANKS}"'


class ConflictingCookies(TokenInvalid):
    """Two different cookies of one name: another site of the domain may have planted either of them (RFC 6265 §8.6).

    The response clears those cookies on this host and on COOKIE_DOMAIN.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.cookies = cleared_cookies(*names)


def cookie_values(request: HttpRequest | Request, name: str) -> list[str]:
    """Return the distinct, non-empty values of the cookie in order. `request.COOKIES` has only the last one."""
    header, values = request.META.get("HTTP_COOKIE", ""), []
    start = header.find(name)
    while start >= 0:
        before, start = header[:start].rstrip(_BLANKS), start + len(name)
        blank, equals, value = header[start : _end_of_pair(header, start)].partition("=")
        if equals and not blank.strip(_BLANKS) and (not before or before[-1] in ";,"):
            values.append(value.strip(_QUOTES))
        start = header.find(name, start)
    return list(dict.fromkeys(filter(None, values)))


def _end_of_pair(header: str, start: int) -> int:
    """Return the end of the pair. Servers join two Cookie headers with a semicolon or a comma (RFC 3875 §4.1.18)."""
    semicolon = header.find(";", start)
    end = len(header) if semicolon < 0 else semicolon
    comma = header.find(",", start, end)
    return end if comma < 0 else comma


def access_cookie(request: HttpRequest | Request) -> str | None:
    """Return the access token of the cookie. Raises ConflictingCookies, also for conflicting refresh tokens."""
    values = cookie_values(request, ACCESS_COOKIE)
    if len(values) > 1:
        raise ConflictingCookies(ACCESS_COOKIE)
    if request.META.get("HTTP_COOKIE", "").count(REFRESH_COOKIE) > 1:
        refresh_cookie(request)
    return values[0] if values else None


def refresh_cookie(request: HttpRequest | Request) -> str | None:
    """Return the refresh token of the cookie. Raises ConflictingCookies if there are several.

    Exception: one usable token beside expired or revoked tokens of this service, which remain after COOKIE_DOMAIN changed.
    """
    values = cookie_values(request, REFRESH_COOKIE)
    if len(values) < 2:
        return values[0] if values else None
    try:
        return refresh.select_usable_token(values)
    except TokenInvalid as error:
        raise ConflictingCookies(REFRESH_COOKIE) from error
