"""The cookie with the `loginToken`, by which the link's page signs in the browser that requested the link.

Only the endpoint that needs it receives it. The front end may keep the token of the body instead.
"""

from datetime import timedelta

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api.cookies import is_secure
from accounts.api.request_cookies import cookie_values

_NAME, _PATH = "loginToken", "/api/auth/login/code"
# Longer than the code: the lifetime of the code starts when the email is sent, which may be late.
_LIFETIME = timedelta(hours=1)


def set_login_token(response: HttpResponse, login_token: str) -> None:
    _set(response, login_token, int(_LIFETIME.total_seconds()))


def clear_login_token(response: HttpResponse) -> None:
    _set(response, "", 0)


def read_login_token(request: Request) -> str:
    """Return the token, or "" without one or with several: another site of the domain may have planted either (RFC 6265 §8.6)."""
    values = cookie_values(request, _NAME)
    return values[0] if len(values) == 1 else ""


def _set(response: HttpResponse, value: str, seconds: int) -> None:
    response.set_cookie(_NAME, value, max_age=seconds, path=_PATH, secure=is_secure(), httponly=True, samesite="Lax")
