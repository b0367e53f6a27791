"""Signing in, refreshing and signing out."""

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
from accounts.api.login_responses import mfa_required_response, signed_in
from accounts.api.presenters.login import sign_in_data
from accounts.api.request_cookies import ConflictingCookies, cookie_values, refresh_cookie
from accounts.api.serializers.forms import LoginForm, LogoutAllForm, LogoutForm, RefreshForm
from accounts.mfa.flows.challenges import Pending
from accounts.services import login, logout, refresh
from accounts.services.credential_check import Credentials
from accounts.services.login import SessionWishes
from core.api.exceptions import AuthenticationRequired
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import checked
from core.api.viewsets import ViewSet
from core.ids import parse_id
from core.openapi.operation import documented
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info
from sessions_tracking.principal import Principal


class TokenViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"])
    @documented(docs.LOGIN)
    def login(self, request: Request) -> Response:
        """Signs in by email or username, and starts a session. Tokens come in the body and as cookies.

        Who has a second factor gets neither yet, but an `mfaToken` of five minutes, for `/mfa/verify` alone.
        """
        transport, form = requested_transport(request), checked(LoginForm, request)
        require_trusted(request)  # nobody may sign a browser in from elsewhere, or guess through the browsers of others
        found = login.log_in(
            credentials=_credentials(form),
            client=read_client_info(request),
            wishes=SessionWishes(name=form.get("deviceName", ""), data=form.get("data", {})),
        )
        return mfa_required_response(found) if isinstance(found, Pending) else signed_in(found, transport)

    @action(detail=False, methods=["post"])
    @documented(docs.REFRESH)
    def refresh(self, request: Request) -> Response:
        """Exchanges a refresh token, from the body or else the cookie, for the next pair; the one given is retired."""
        return _refreshed(request)

    @action(detail=False, methods=["post"], url_path="refresh-token")
    @documented(docs.REFRESH_TOKEN)
    def refresh_token(self, request: Request) -> Response:
        """The same as `/refresh`, under the name that some clients know."""
        return _refreshed(request)

    @action(detail=False, methods=["post"])
    @documented(docs.LOGOUT)
    def logout(self, request: Request) -> Response:
        """Ends your session, or another of yours by its id, at once. Always succeeds, also with nothing left to end."""
        form = checked(LogoutForm, request)
        caller = _caller_signing_out(request, form)
        if caller is None:
            require_trusted(request)  # it clears cookies: nobody may sign a browser out from elsewhere
        named = form.get("sessionId")
        if caller and named and parse_id(named) != caller.session_id:
            logout.log_out_other(principal=caller, session_id=parse_id(named))
            return success(message=_("That session is over."))
        if caller:
            logout.log_out(principal=caller)
        logout.cancel_pending_logins(_possible_mfa_tokens(request, form))
        return _signed_out(success(message=_("You are signed out.")))


class LogoutAllViewSet(ViewSet):
    ends_sessions = frozenset({"logout_all"})

    @action(detail=False, methods=["post"], url_path="logout-all")
    @documented(docs.LOGOUT_ALL)
    def logout_all(self, request: Request) -> Response:
        """Ends all your sessions at once, or all but the one of this request."""
        except_current = checked(LogoutAllForm, request)["exceptCurrent"]
        revoked = logout.log_out_everywhere(principal=current_principal(request), except_current=except_current)
        response = success({"revoked": revoked}, message=_("Your sessions are over."))
        return response if except_current else _signed_out(response)


def _credentials(form: dict[str, str]) -> Credentials:
    if "identifier" in form:
        return Credentials.from_identifier(form["identifier"], form["password"])
    return Credentials(password=form["password"], email=form.get("email"), username=form.get("username"))


def _refreshed(request: Request) -> Response:
    transport, form = requested_transport(request), checked(RefreshForm, request)
    token = form.get("refreshToken") or _refresh_cookie(request)
    if not token:
        raise AuthenticationRequired
    sign_in = refresh.refresh(token=token, client=read_client_info(request))
    response = success(sign_in_data(sign_in, transport), message=_("The session goes on."))
    if transport is not Transport.BODY:
        set_cookies(response, sign_in.tokens)
    return response


def _refresh_cookie(request: Request) -> str | None:
    """What rides on a cookie and changes something must come from a site that may send it."""
    if cookie_values(request, REFRESH_COOKIE):
        require_trusted(request)
    return refresh_cookie(request)


def _caller_signing_out(request: Request, form: dict[str, str]) -> Principal | None:
    """By the access token, else by the refresh token. Where cookies conflict, both are cleared: the user wants them gone."""
    try:
        principal = optional_principal(request)
        token = None if principal else form.get("refreshToken") or _refresh_cookie(request)
    except ConflictingCookies as error:
        raise ConflictingCookies(ACCESS_COOKIE, REFRESH_COOKIE) from error
    if token:
        return logout.session_for_refresh_token(refresh_token=token, client=read_client_info(request))
    return principal


def _possible_mfa_tokens(request: Request, form: dict[str, str]) -> list[str]:
    """Wherever a client puts the token of a sign-in that it gives up halfway."""
    bearer = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[2]
    return [token for token in (form.get("mfaToken"), form.get("refreshToken"), bearer) if token]


def _signed_out(response: Response) -> Response:
    clear_cookies(response)
    return response
