"""The two cookies of a session, and which way a client wants its tokens."""

import math
from datetime import UTC, datetime
from enum import StrEnum

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from accounts.api.authentication import ACCESS_COOKIE
from accounts.tokens import TokenPair
from config.api.exceptions import ValidationFailed

REFRESH_COOKIE = "refreshToken"
REFRESH_PATH = "/api/auth"
TRANSPORT_HEADER = "X-Token-Transport"


class Transport(StrEnum):
    """`BOTH` is what a client gets that does not choose."""

    COOKIE = "cookie"
    BODY = "body"
    BOTH = ""


def wanted_transport(request: HttpRequest | Request) -> Transport:
    try:
        return Transport(request.META.get("HTTP_X_TOKEN_TRANSPORT", "").strip().lower())
    except ValueError as error:
        raise ValidationFailed(errors={TRANSPORT_HEADER: [_("Must be cookie or body.")]}) from error


def set_cookies(response: HttpResponse, pair: TokenPair) -> None:
    """Each lives as long as the token in it."""
    _set(response, ACCESS_COOKIE, pair.access, "/", _seconds_until(pair.access_expires_at))
    _set(response, REFRESH_COOKIE, pair.refresh, REFRESH_PATH, _seconds_until(pair.refresh_expires_at))


def _seconds_until(moment: datetime) -> int:
    return max(0, math.ceil((moment - datetime.now(UTC)).total_seconds()))


def _set(response: HttpResponse, name: str, value: str, path: str, seconds: int) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path=path, domain=settings.COOKIE_DOMAIN,
        secure=not settings.DEBUG, httponly=True, samesite=settings.COOKIE_SAMESITE,  # type: ignore[arg-type]
    )  # fmt: skip


def clear_cookies(response: HttpResponse) -> None:
    """With the very attributes they were set with: a browser keeps a cookie that is cleared under another path or domain."""
    for name, path in ((ACCESS_COOKIE, "/"), (REFRESH_COOKIE, REFRESH_PATH)):
        _set(response, name, "", path, 0)
