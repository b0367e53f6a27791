"""`GET /me` in front of Django, whose middleware and REST framework would take several times as long as all the rest.

It builds its response from the same parts as the view, with the same headers; see core.fast_path.middleware.
"""

from django.core.handlers.wsgi import WSGIRequest
from rest_framework.renderers import JSONRenderer

from accounts.api.authentication import bearer_token, cookie_token
from accounts.api.presenters.users import account_data
from accounts.services import profile
from accounts.services.login import verify_token
from accounts.tokens import session_tokens
from core.api.exceptions import AuthenticationRequired, SessionRevoked
from core.api.middleware import NOT_STORED
from core.fast_path.middleware import Quick
from core.http.locale import language_of
from core.http.security_headers import for_data
from core.observability.request_identity import UserAndSession
from sessions_tracking import last_seen

_HEADERS = {"Content-Type": "application/json", "Allow": "GET, HEAD, PATCH, DELETE"} | NOT_STORED


def shortcut(request: WSGIRequest) -> Quick:
    """Redis is not asked: the statement that reads the account says whether its session is live."""
    token = bearer_token(request)
    if token is None:
        token = cookie_token(request)
    if token is None:
        raise AuthenticationRequired
    claims = session_tokens.decode_access(token)
    try:
        account = profile.get_account(user_id=claims.user_id, session_id=claims.session_id)
    except SessionRevoked:
        verify_token(token)  # says so too, unless the claims contradict the session
        raise
    last_seen.record(claims.session_id)
    body: bytes = JSONRenderer().render({"success": True, "data": account_data(account, current=claims.session_id)})
    told = {"Content-Length": str(len(body)), "Content-Language": language_of(request)}
    return Quick(_HEADERS | for_data() | told, body, UserAndSession(claims.user_id, claims.session_id))
