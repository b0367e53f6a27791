"""FAST_PATHS: the requests that are answered ahead of Django. `docs/decisions/0002-request-path.md` says why these ones.

Each handler builds its response from the parts that its view uses, with the same headers; see core.fast_path.middleware.
"""

from collections.abc import Mapping

from django.core.handlers.wsgi import WSGIRequest
from rest_framework.renderers import JSONRenderer

from accounts.api.authentication import bearer_token, cookie_token
from accounts.api.presenters.users import account_data
from accounts.api.views import forward_auth
from accounts.services import profile
from accounts.services.login import verify_token
from accounts.tokens import session_tokens
from core.api.exceptions import AuthenticationRequired, SessionRevoked
from core.api.middleware import NO_STORE_HEADERS
from core.fast_path.middleware import FastHandler, FastResponse
from core.http.locale import request_language
from core.http.security_headers import ResponseKind, security_headers
from core.observability.request_identity import UserAndSession
from sessions_tracking import last_seen

_JSON = {"Content-Type": "application/json"} | NO_STORE_HEADERS
_ME_HEADERS = _JSON | {"Allow": "GET, HEAD, PATCH, DELETE"}


def fast_forward_auth(request: WSGIRequest) -> FastResponse:
    principal = forward_auth.authorized_principal(request)
    headers = _JSON | security_headers(ResponseKind.DATA) | {"Content-Language": request_language(request)}
    identity = forward_auth.identity_headers(principal) | {"Content-Length": str(len(forward_auth.BODY))}
    return FastResponse(headers | identity, forward_auth.BODY, UserAndSession(principal.id, principal.session_id))


def fast_me(request: WSGIRequest) -> FastResponse:
    """The statement that reads the account also tells whether its session is live, so Redis is not asked."""
    token = bearer_token(request)
    if token is None:
        token = cookie_token(request)
    if token is None:
        raise AuthenticationRequired
    claims = session_tokens.decode_access(token)
    try:
        account = profile.get_account(user_id=claims.user_id, session_id=claims.session_id)
    except SessionRevoked:
        verify_token(token)  # raises the same, unless the claims contradict the session
        raise
    last_seen.record(claims.session_id)
    body: bytes = JSONRenderer().render({"success": True, "data": account_data(account, current=claims.session_id)})
    own = {"Content-Length": str(len(body)), "Content-Language": request_language(request)}
    headers = _ME_HEADERS | security_headers(ResponseKind.DATA) | own
    return FastResponse(headers, body, UserAndSession(claims.user_id, claims.session_id))


FAST_PATHS: Mapping[tuple[str, str], FastHandler] = {
    ("GET", "/api/auth/forward-auth"): fast_forward_auth,
    ("GET", "/api/auth/me"): fast_me,
    ("GET", "/api/auth/profile"): fast_me,
}
