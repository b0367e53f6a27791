"""Documentation of `accounts.login_codes.api.views`."""

from rest_framework import serializers

from accounts.api.docs import samples
from accounts.api.docs.tokens import LOGIN
from accounts.api.serializers.forms import EmailForm
from accounts.exceptions import CodeInvalid, TooManyWrongCodes
from accounts.login_codes.api.forms import LoginByCodeForm
from accounts.login_codes.exceptions import EmailCodeUnavailable
from core.api.exceptions import NotFound, OriginNotAllowed
from core.api.shapes import Shape
from core.openapi.operation import SETS_COOKIES, Operation

TAG = "Sign-in"
_LOGIN_TOKEN = "019ac8f2d7b07c3a9d41f6e85b20c7aa-3f9d2c71a86b4e05.c2lnbmF0dXJl"


class LoginCodeData(Shape):
    loginToken = serializers.CharField(help_text="The code and the link work only with this token.")
    expiresAt = serializers.DateTimeField(
        help_text="When the code expires at the earliest: its ten minutes start when the email is sent."
    )


REQUEST = Operation(
    tag=TAG,
    summary="Request a code to sign in",
    parameters=LOGIN.parameters,
    request=EmailForm,
    requests={"An email": {"email": samples.EMAIL}},
    message="If an account has this email, a code to sign in is on its way.",
    data=LoginCodeData,
    responses={"For every email": {"loginToken": _LOGIN_TOKEN, "expiresAt": "2026-01-15T09:45:00.000Z"}},
    headers={
        "Set-Cookie": "Sets `loginToken` (path `/api/auth/login/code`) for an hour: `HttpOnly`, `SameSite=Lax`. Absent with "
        "`X-Token-Transport: body`."
    },
    errors=[NotFound, OriginNotAllowed],
    is_limited=True,
)

VERIFY = Operation(
    tag=TAG,
    summary="Sign in with an emailed code or link",
    parameters=LOGIN.parameters,
    request=LoginByCodeForm,
    requests={
        "The code": {"loginToken": _LOGIN_TOKEN, "code": "123456"},
        "The link, with the cookie": {"token": samples.MAILED_TOKEN},
        "With a name for the session": {
            "loginToken": _LOGIN_TOKEN,
            "code": "123456",
            "deviceName": "Kitchen tablet",
            "data": {"theme": "dark"},
        },
    },
    message=LOGIN.message,
    data=LOGIN.data,
    responses=LOGIN.responses,
    messages=LOGIN.messages,
    headers=SETS_COOKIES,
    errors=[CodeInvalid, OriginNotAllowed, TooManyWrongCodes(retry_after=1800)],
    is_limited=True,
)

REAUTHENTICATE = Operation(
    tag="Account",
    summary="Request a code to confirm your identity",
    message="A code to confirm that it's you is on its way.",
    errors=[EmailCodeUnavailable],
    is_limited=True,
)
