"""Documentation of `accounts.api.views.tokens`."""

from dataclasses import replace

from accounts.api.cookies import TRANSPORT_HEADER
from accounts.api.docs import samples, shapes
from accounts.api.serializers.forms import LoginForm, LogoutAllForm, LogoutForm, RefreshForm
from accounts.exceptions import EmailNotVerified, InvalidCredentials, RefreshTokenReused
from core.api.exceptions import (
    AuthenticationRequired,
    NotFound,
    OriginNotAllowed,
    SessionRevoked,
    TokenExpired,
    TokenInvalid,
)
from core.openapi.operation import (
    BEARER,
    CLEARS_COOKIES,
    COOKIE,
    NO_SECURITY,
    REFRESH_COOKIE,
    SETS_COOKIES,
    Operation,
    parameter,
)
from sessions_tracking.api.docs import SESSION

TAG = "Sign-in"
_TRANSPORT = parameter(
    TRANSPORT_HEADER,
    "header",
    "`cookie` omits the tokens from the body, `body` sets no cookie; case-insensitive. Without this header, the response "
    "has both.",
)

LOGIN = Operation(
    tag=TAG,
    summary="Sign in",
    parameters=[_TRANSPORT],
    request=LoginForm,
    requests={
        "By email": {"email": samples.EMAIL, "password": samples.PASSWORD},
        "By username": {"username": samples.USERNAME, "password": samples.PASSWORD},
        "By either, with a name for the session": {
            "identifier": samples.EMAIL,
            "password": samples.PASSWORD,
            "deviceName": "Kitchen tablet",
            "data": {"theme": "dark"},
        },
    },
    message="You are signed in.",
    data=(shapes.SignedInData, shapes.PendingData),
    responses=samples.SIGNED_IN | samples.SECOND_FACTOR_WANTED,
    messages=dict.fromkeys(samples.SECOND_FACTOR_WANTED, "Confirm with your second factor, or enter a recovery code."),
    headers=SETS_COOKIES,
    errors=[InvalidCredentials, EmailNotVerified, OriginNotAllowed],
    is_limited=True,
)

REFRESH = Operation(
    tag=TAG,
    summary="Refresh tokens",
    parameters=[_TRANSPORT],
    security=(REFRESH_COOKIE, NO_SECURITY),
    request=RefreshForm,
    requests={"In the body": {"refreshToken": samples.REFRESH_TOKEN}, "In the cookie": {}},
    message="Tokens refreshed.",
    data=shapes.RefreshedData,
    responses=samples.REFRESHED,
    headers=SETS_COOKIES,
    errors=[
        AuthenticationRequired,
        TokenInvalid,
        TokenExpired,
        SessionRevoked,
        RefreshTokenReused,
        OriginNotAllowed,
    ],
    is_limited=True,
)

REFRESH_TOKEN = replace(REFRESH, summary="Refresh tokens, as /refresh")

LOGOUT = Operation(
    tag=TAG,
    summary="Sign out",
    security=(BEARER, COOKIE, REFRESH_COOKIE, NO_SECURITY),
    request=LogoutForm,
    requests={
        "This session": {},
        "Another of your sessions": {"sessionId": SESSION["id"]},
        "With the refresh token only": {"refreshToken": samples.REFRESH_TOKEN},
        "A sign-in cancelled before its second factor": {"mfaToken": samples.MAILED_TOKEN},
    },
    message="You are signed out.",
    headers=CLEARS_COOKIES,
    errors=[NotFound, OriginNotAllowed],
)

LOGOUT_ALL = Operation(
    tag=TAG,
    summary="Sign out everywhere",
    request=LogoutAllForm,
    requests={"Every session": {}, "All but this one": {"exceptCurrent": True}},
    message="You've been signed out of all devices.",
    data=shapes.RevokedData,
    responses={"Every session": {"revoked": 3}, "All but this one": {"revoked": 2}},
    messages={"All but this one": "You've been signed out of all other devices."},
    headers=CLEARS_COOKIES,
)
