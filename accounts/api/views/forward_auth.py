"""`forward-auth`: a reverse proxy asks who sends a request, before it passes the request on."""

import logging
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import requirements
from accounts.api.authentication import authenticate_token, bearer_token, cookie_token
from accounts.api.docs import forward_auth as docs
from core.api.deferred_error import raise_deferred_error
from core.api.exception_handler import as_api_error
from core.api.exceptions import ApiError, AuthenticationRequired, MethodNotAllowed
from core.api.middleware import NO_STORE_HEADERS
from core.api.origin import SAFE_METHODS, require_trusted, without_default_port
from core.api.responses import plain_failure
from core.api.viewsets import ViewSet
from core.http.client_ip import peer_is_trusted
from core.http.request_context import PEER
from core.openapi.operation import documented
from sessions_tracking.principal import Principal

logger = logging.getLogger(__name__)

BODY = b'{"success":true}'
_HEADERS = {"Content-Type": "application/json", "Content-Length": str(len(BODY))} | NO_STORE_HEADERS
# The method of the original request, as Traefik and Caddy and this project's example for nginx send it.
_METHOD_HEADERS = ("HTTP_X_FORWARDED_METHOD", "HTTP_X_ORIGINAL_METHOD")


class ForwardAuthViewSet(ViewSet):
    """Called before every request of other sites, so it is plain Django: REST framework would take longer than the check."""

    @action(detail=False, methods=["get"], url_path="forward-auth")
    @documented(docs.FORWARD_AUTH)
    def forward_auth(self, request: Request) -> Response:
        """Whether the bearer of the token may pass, and in headers who it is: for nginx `auth_request` and Traefik `forwardAuth`.

        Takes the access token as any endpoint does. A cookie does not pass with a foreign `Origin`, whatever the method (a
        WebSocket handshake is a GET): only with the origin that the proxy names by `X-Forwarded-Host` and `X-Forwarded-Proto`,
        with the API's own, or with one of `CORS_ALLOWED_ORIGINS`. Without an `Origin` it must not be cross-site if the method
        that the proxy names (`X-Forwarded-Method`, `X-Original-Method`) changes something.

        `acr` and `max_age` require a level and an age of the user's authentication. A session that does not meet them gets
        `reauthentication_required`, with both in `WWW-Authenticate` (RFC 9470).
        """
        raise NotImplementedError  # `dispatch` answers

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            if request.method not in {"GET", "HEAD"}:
                raise MethodNotAllowed(headers={"Allow": "GET, HEAD"})
            raise_deferred_error(request)
            return HttpResponse(BODY, headers=_HEADERS | identity_headers(authorized_principal(request)))
        except Exception as error:  # noqa: BLE001 - an unknown error is raised again
            return plain_failure(_api_error(error))


def _api_error(error: Exception) -> ApiError:
    api_error = as_api_error(error)
    if api_error is None:
        raise error
    if api_error.status >= 500:
        logger.error("%s: %s", api_error.code, type(error).__name__, exc_info=error)
    return api_error


def identity_headers(principal: Principal) -> dict[str, str]:
    """Encode the username: one that a shell command has set may hold a line break, which would end the header."""
    return {
        "X-Auth-User-Id": str(principal.id),
        "X-Auth-Username": quote(principal.username, safe=""),
        "X-Auth-Role": principal.role,
        "X-Auth-Session-Id": str(principal.session_id),
        "X-Auth-Acr": principal.acr,
        "X-Auth-Time": str(principal.auth_time),
    }


def authorized_principal(request: HttpRequest) -> Principal:
    """Return the token's principal if its session meets the requirement of the query.

    Raises subclasses of Unauthorized, such as ReauthenticationRequired; OriginNotAllowed; and as `requirements.requested`.
    """
    requirement = requirements.requested(request)
    principal = authenticate_token(_token(request))
    requirement.enforce(principal)
    return principal


def _token(request: HttpRequest) -> str:
    token = bearer_token(request)
    if token is None:
        token = cookie_token(request)
        if token is not None and (_may_change_state(request) or "HTTP_ORIGIN" in request.META):
            require_trusted(request, own_origin=_forwarded_origin(request))
    if token is None:
        raise AuthenticationRequired
    return token


def _may_change_state(request: HttpRequest) -> bool:
    """A client may send these headers too: they only make the check stricter."""
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
