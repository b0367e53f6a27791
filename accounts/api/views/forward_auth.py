"""What a reverse proxy asks before it lets a request through: who is this, and may they?"""

import logging
from urllib.parse import quote

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import authenticate_token, bearer_token, cookie_token
from accounts.api.docs import forward_auth as docs
from core.api.deferred_error import DEFERRED_ERROR
from core.api.exception_handler import as_api_error
from core.api.exceptions import ApiError, AuthenticationRequired, MethodNotAllowed
from core.api.middleware import NOT_STORED
from core.api.origin import SAFE_METHODS, require_trusted, without_default_port
from core.api.responses import plain_failure
from core.api.viewsets import ViewSet
from core.fast_path.middleware import Quick
from core.http.client_ip import peer_is_trusted
from core.http.locale import language_of
from core.http.request_context import PEER
from core.http.security_headers import for_data
from core.observability.request_identity import UserAndSession
from core.openapi.operation import documented
from sessions_tracking.principal import Principal

logger = logging.getLogger(__name__)

_BODY = b'{"success":true}'
_HEADERS = {"Content-Type": "application/json", "Content-Length": str(len(_BODY))} | NOT_STORED
# What Traefik and Caddy say of the request they ask about, and what our example for nginx does.
_METHOD_HEADERS = ("HTTP_X_FORWARDED_METHOD", "HTTP_X_ORIGINAL_METHOD")


class ForwardAuthViewSet(ViewSet):
    """Asked before every request of other sites, so it is plain Django: REST framework would take longer than all the rest."""

    @action(detail=False, methods=["get"], url_path="forward-auth")
    @documented(docs.FORWARD_AUTH)
    def forward_auth(self, request: Request) -> Response:
        """Whether the bearer of the token may pass, and in headers who it is: for nginx `auth_request` and Traefik `forwardAuth`.

        Takes the access token as any endpoint does. A cookie does not pass with a foreign `Origin`, whatever the method (a
        WebSocket handshake is a GET): only with the origin that the proxy names by `X-Forwarded-Host` and `X-Forwarded-Proto`,
        with the API's own, or with one of `CORS_ALLOWED_ORIGINS`. Without an `Origin` it must not be cross-site if the method
        that the proxy names (`X-Forwarded-Method`, `X-Original-Method`) changes something.
        """
        raise NotImplementedError  # `dispatch` answers

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            if request.method not in {"GET", "HEAD"}:
                raise MethodNotAllowed(headers={"Allow": "GET, HEAD"})
            return HttpResponse(_BODY, headers=_HEADERS | _identity(_caller(request)))
        except Exception as error:  # noqa: BLE001 - what is unknown goes on
            return plain_failure(_known(error))


def _known(error: Exception) -> ApiError:
    known = as_api_error(error)
    if known is None:
        raise error
    if known.status >= 500:
        logger.error("%s: %s", known.code, type(error).__name__, exc_info=error)
    return known


def shortcut(request: WSGIRequest) -> Quick:
    """The same past Django's middleware, which takes several times as long as the check itself. See core.fast_path.middleware."""
    principal = _caller(request)
    headers = _HEADERS | for_data() | {"Content-Language": language_of(request)} | _identity(principal)
    return Quick(headers, _BODY, UserAndSession(principal.id, principal.session_id))


def _identity(principal: Principal) -> dict[str, str]:
    """A username that keeps to the rules stands as it is. One that came by a shell might end a header, and is encoded."""
    return {
        "X-Auth-User-Id": str(principal.id),
        "X-Auth-Username": quote(principal.username, safe=""),
        "X-Auth-Role": principal.role,
        "X-Auth-Session-Id": str(principal.session_id),
    }


def _caller(request: HttpRequest) -> Principal:
    """The principal behind the token, as everywhere. Raises any Unauthorized, and OriginNotAllowed."""
    if DEFERRED_ERROR in request.META:
        raise request.META[DEFERRED_ERROR]
    token = bearer_token(request)
    if token is None:
        token = cookie_token(request)
        if token is not None and (_may_change_something(request) or "HTTP_ORIGIN" in request.META):
            require_trusted(request, own_origin=_forwarded_origin(request))
    if token is None:
        raise AuthenticationRequired
    return authenticate_token(token)


def _may_change_something(request: HttpRequest) -> bool:
    """Anybody may write these headers, and only makes it harder for themselves."""
    return any(request.META.get(name, "GET").upper() not in SAFE_METHODS for name in _METHOD_HEADERS)


def _forwarded_origin(request: HttpRequest) -> str | None:
    """Return the origin that the browser sent its request to, as a trusted proxy names it.

    It need not be one of ALLOWED_HOSTS, which are Vestibule's own: a browser sends the cookie to hosts of COOKIE_DOMAIN alone, so
    a page whose origin equals this one is a page of the protected site.
    """
    if not peer_is_trusted(request.META.get(PEER, ""), settings.TRUSTED_PROXIES):
        return None
    host = request.META.get("HTTP_X_FORWARDED_HOST", "").lower()
    scheme = request.META.get("HTTP_X_FORWARDED_PROTO", "").lower() or request.scheme
    return without_default_port(f"{scheme}://{host}") if host and scheme in {"http", "https"} else None
