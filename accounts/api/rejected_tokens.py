"""Reads user and session ids from the token of a rejected request, for the record of the rejection."""

import uuid
from functools import partial

import jwt
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.api.authentication import bearer_token
from accounts.api.cookies import ACCESS_COOKIE, REFRESH_COOKIE
from accounts.api.request_cookies import cookie_values
from accounts.tokens import session_tokens
from core.api.exceptions import ApiError, TokenExpired, TokenInvalid
from core.ids import parse_id
from core.rejected_requests.writer import TokenReader

_REFRESH_ROUTES = ("api/auth/refresh/", "api/auth/refresh-token/")
_UNKNOWN = (None, None)


def token_reader(request: HttpRequest, response: HttpResponse) -> TokenReader:
    """Return a function that reads the ids of user and session from the request's token."""
    route = request.resolver_match.route if request.resolver_match else ""
    if route.startswith(_REFRESH_ROUTES):
        return partial(_ids, _refresh_token(request, response), is_refresh=True)
    return partial(_ids, _access_token(request), is_refresh=False)


def _access_token(request: HttpRequest) -> str | None:
    try:
        return bearer_token(request) or _cookie(request, ACCESS_COOKIE)
    except TokenInvalid:
        return None


def _refresh_token(request: HttpRequest, response: HttpResponse) -> str | None:
    """Return the token that the view used: of the body, which the view has parsed, else of the cookie."""
    parsed: Request | None = getattr(response, "renderer_context", {}).get("request")
    try:
        body = parsed.data if parsed is not None else None
    except (ApiError, APIException):  # the body itself was rejected
        body = None
    token = body.get("refreshToken") if isinstance(body, dict) else None
    return token if token and isinstance(token, str) else _cookie(request, REFRESH_COOKIE)


def _cookie(request: HttpRequest, name: str) -> str | None:
    """Return None for several values, because none of them was accepted."""
    values = cookie_values(request, name)
    return values[0] if len(values) == 1 else None


def _ids(token: str | None, *, is_refresh: bool) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    if not token:
        return _UNKNOWN
    try:
        claims = session_tokens.decode_refresh(token) if is_refresh else session_tokens.decode_access(token)
    except TokenExpired:
        return _ids_of_expired(token)
    except TokenInvalid:
        return _UNKNOWN
    return claims.user_id, claims.session_id


def _ids_of_expired(token: str) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """Read the claims unverified: `decode_*` checked the signature before it raised TokenExpired."""
    payload = jwt.decode(token, options={"verify_signature": False})
    return parse_id(payload.get("sub")), parse_id(payload.get("sid"))
