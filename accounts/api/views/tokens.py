"""Login, refresh and logout."""

from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import optional_principal
from accounts.api.cookies import (
    ACCESS_COOKIE,
    REFRESH_COOKIE,
    Transport,
    clear_cookies,
    requested_transport,
    set_cookies,
)
from accounts.api.docs import tokens as docs
from accounts.api.login_responses import first_factor_response
from accounts.api.presenters.login import sign_in_data
from accounts.api.request_cookies import ConflictingCookies, cookie_values, refresh_cookie
from accounts.api.serializers.forms import LoginForm, LogoutForm, RefreshForm
from accounts.api.serializers.session_options import session_options
from accounts.services import login, logout, refresh
from accounts.services.credential_check import Credentials
from core.api.exceptions import AuthenticationRequired
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.ids import parse_id
from core.openapi.operation import documented
from sessions_tracking.client_info import read_client_info
from sessions_tracking.principal import Principal


class TokenViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"])
    @documented(docs.LOGIN)
    def login(self, request: Request) -> Response:
        """Signs in by email or username and starts a session. Tokens are in the body and in cookies.

        With two-factor authentication, the response has only an `mfaToken` for `/mfa/verify`, which expires after 5 minutes.
        """
        transport, form = requested_transport(request), validated_data(LoginForm, request)
        require_trusted(request)  # login CSRF, and password guessing through the browsers of others
        result = login.log_in(
            credentials=_credentials(form),
            client=read_client_info(request),
            session_options=session_options(form),
        )
        return first_factor_response(result, transport)

    @action(detail=False, methods=["post"])
    @documented(docs.REFRESH)
    def refresh(self, request: Request) -> Response:
        """Exchanges the refresh token of the body, or else of the cookie, for the next token pair, and retires it."""
        return _refresh(request)

    @action(detail=False, methods=["post"], url_path="refresh-token")
    @documented(docs.REFRESH_TOKEN)
    def refresh_token(self, request: Request) -> Response:
        """The same as `/refresh`, for clients that use this path."""
        return _refresh(request)

    @action(detail=False, methods=["post"])
    @documented(docs.LOGOUT)
    def logout(self, request: Request) -> Response:
        """Revokes your session, or another one of yours by its id, immediately. Succeeds even without a session."""
        form = validated_data(LogoutForm, request)
        principal = _principal_to_log_out(request, form)
        if principal is None:
            require_trusted(request)  # the response clears cookies: logout CSRF
        session_id = form.get("sessionId")
        if principal and session_id and parse_id(session_id) != principal.session_id:
            logout.log_out_other(principal=principal, session_id=parse_id(session_id))
            return success(message=_("That device has been signed out."))
        if principal:
            logout.log_out(principal=principal)
        logout.cancel_pending_logins(_possible_mfa_tokens(request, form))
        response = success(message=_("You are signed out."))
        clear_cookies(response)
        return response


def _credentials(form: dict[str, str]) -> Credentials:
    if "identifier" in form:
        return Credentials.from_identifier(form["identifier"], form["password"])
    return Credentials(password=form["password"], email=form.get("email"), username=form.get("username"))


def _refresh(request: Request) -> Response:
    transport, form = requested_transport(request), validated_data(RefreshForm, request)
    token = form.get("refreshToken") or _refresh_cookie(request)
    if not token:
        raise AuthenticationRequired
    sign_in = refresh.refresh(token=token, client=read_client_info(request))
    response = success(sign_in_data(sign_in, transport), message=_("Tokens refreshed."))
    if transport is not Transport.BODY:
        set_cookies(response, sign_in.tokens, is_persistent=sign_in.session.persistent)
    return response


def _refresh_cookie(request: Request) -> str | None:
    """Return the token of the cookie. A request that uses a cookie to change state must come from a trusted origin."""
    if cookie_values(request, REFRESH_COOKIE):
        require_trusted(request)
    return refresh_cookie(request)


def _principal_to_log_out(request: Request, form: dict[str, str]) -> Principal | None:
    """Return the principal of the access token, else of the refresh token. Conflicting cookies are all cleared."""
    try:
        principal = optional_principal(request)
        token = None if principal else form.get("refreshToken") or _refresh_cookie(request)
    except ConflictingCookies as error:
        raise ConflictingCookies(ACCESS_COOKIE, REFRESH_COOKIE) from error
    if token:
        return logout.principal_for_refresh_token(refresh_token=token, client=read_client_info(request))
    return principal


def _possible_mfa_tokens(request: Request, form: dict[str, str]) -> list[str]:
    """Return every value in which clients send the `mfaToken` of a login that they cancel."""
    bearer = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[2]
    return [token for token in (form.get("mfaToken"), form.get("refreshToken"), bearer) if token]
