"""The two successful responses of a login: tokens, or a request for the second factor."""

from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from accounts.api.cookies import Transport, set_cookies
from accounts.api.presenters.login import pending_data, sign_in_data
from accounts.api.presenters.users import user_profile
from accounts.services.login import SignIn
from accounts.services.pending_logins import PendingLoginToken
from core.api.responses import success


def first_factor_response(result: SignIn | PendingLoginToken, transport: Transport) -> Response:
    """Return the response to a correct first factor."""
    if isinstance(result, PendingLoginToken):
        return mfa_required_response(result)
    return login_response(result, transport)


def login_response(sign_in: SignIn, transport: Transport) -> Response:
    data = {"user": user_profile(sign_in.user)} | sign_in_data(sign_in, transport)
    response = success(data, message=_("You are signed in."))
    if transport is not Transport.BODY:
        set_cookies(response, sign_in.tokens, is_persistent=sign_in.session.persistent)
    return response


def mfa_required_response(pending: PendingLoginToken) -> Response:
    """Return no session, no cookie, and only a token that no other endpoint accepts."""
    return success(pending_data(pending), message=_("Confirm with your second factor, or enter a recovery code."))
