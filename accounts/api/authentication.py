"""Authenticates a request by its access token."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.api.cookies import ACCESS_COOKIE, REFRESH_COOKIE
from accounts.api.request_cookies import ConflictingCookies, access_cookie, cookie_values
from accounts.services.login import verify_token
from core.api.exceptions import TokenInvalid, Unauthorized
from core.api.origin import SAFE_METHODS, require_trusted
from sessions_tracking import last_seen
from sessions_tracking.principal import Principal


class TokenAuthentication(BaseAuthentication):
    """Reads `Authorization: Bearer …`; the cookie only if there is no such header, never in place of an invalid one."""

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        token = bearer_token(request)
        if token is None:
            token = cookie_token(request)
        return None if token is None else (authenticate_token(token), token)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def authenticate_token(token: str) -> Principal:
    """Verify the token, and record that its session was seen. Raises as `verify_token`."""
    principal = verify_token(token)
    last_seen.record(principal.session_id)
    return principal


def bearer_token(request: HttpRequest | Request) -> str | None:
    """Return the token of the header, or None without a header. Raises TokenInvalid for any other form (RFC 6750 §2.1)."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise TokenInvalid
    return str(token)


def cookie_token(request: HttpRequest | Request) -> str | None:
    """Return the token of the cookie. A request that uses a cookie to change state must come from a trusted origin."""
    if request.method not in SAFE_METHODS and (
        cookie_values(request, ACCESS_COOKIE) or len(cookie_values(request, REFRESH_COOKIE)) > 1
    ):
        require_trusted(request)
    return access_cookie(request)


def optional_principal(request: Request) -> Principal | None:
    """Return None without a valid access token, for views that accept both. Raises OriginNotAllowed and ConflictingCookies."""
    try:
        result = TokenAuthentication().authenticate(request)
    except ConflictingCookies:
        raise
    except Unauthorized:
        return None
    return result[0] if result else None
