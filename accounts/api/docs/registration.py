"""Documentation of `accounts.api.views.registration`."""

from http import HTTPStatus

from accounts.api.docs import samples, shapes
from accounts.api.serializers.forms import EmailForm, RegisterForm, VerifyEmailForm
from accounts.exceptions import (
    CodeInvalid,
    EmailAlreadyVerified,
    EmailTaken,
    TooManyAttempts,
    UsernameTaken,
    UserNotFound,
)
from accounts.registries import SIGN_UP_METHODS
from core.api.exceptions import OriginNotAllowed, TokenInvalid, ValidationFailed
from core.openapi.operation import Operation, parameter

TAG = "Registration"
_UNVERIFIED = samples.USER | {"emailVerified": False}
_VERIFIED = {"The user": {"user": samples.USER}}
_TEXT = {"type": "string", "minLength": 1}
_EMAIL = {"An email": {"email": samples.EMAIL}}

REGISTER = Operation(
    tag=TAG,
    summary="Create an account",
    request=RegisterForm,
    requests={
        "All fields": {
            "email": samples.EMAIL,
            "username": samples.USERNAME,
            "password": samples.PASSWORD,
            "firstName": "Alice",
            "lastName": "Martin",
            "language": "en",
        },
        "Required fields": {"email": samples.EMAIL, "username": samples.USERNAME, "password": samples.PASSWORD},
    }
    | {
        method.sample_title: {"email": samples.EMAIL, "username": samples.USERNAME, method.field: method.sample}
        for method in SIGN_UP_METHODS
    },
    status=HTTPStatus.CREATED,
    message="Your account has been created. Check your inbox to verify your email.",
    data=shapes.RegisteredData,
    responses={
        "The user, not yet verified": {
            "user": _UNVERIFIED,
            "emailResult": {"success": True, "message": "The verification email is on its way."},
        }
    },
    errors=[
        EmailTaken(errors={"email": [EmailTaken.message]}),
        UsernameTaken(errors={"username": [UsernameTaken.message]}),
        OriginNotAllowed,
        *(error for method in SIGN_UP_METHODS for error in method.errors),
    ],
    is_limited=True,
)

VERIFY_BY_CODE = Operation(
    tag=TAG,
    summary="Verify an email with the code",
    request=VerifyEmailForm,
    requests={"The code of the email": {"email": samples.EMAIL, "code": "123456"}},
    message="Your email is verified.",
    data=shapes.UserData,
    responses=_VERIFIED,
    errors=[CodeInvalid, TooManyAttempts],
    is_limited=True,
)

VERIFY_BY_LINK = Operation(
    tag=TAG,
    summary="Verify an email with the link's token",
    parameters=[
        parameter("email", "query", "The email to verify.", schema=_TEXT, example=samples.EMAIL),
        parameter("token", "query", "The token of the link.", schema=_TEXT, example=samples.MAILED_TOKEN),
    ],
    message="Your email is verified.",
    data=shapes.UserData,
    responses=_VERIFIED,
    errors=[ValidationFailed(errors={"token": ["This field is required."]}), TokenInvalid, UserNotFound],
    is_also_page=True,
    is_limited=True,
)

RESEND = Operation(
    tag=TAG,
    summary="Send another code and link",
    request=EmailForm,
    requests=_EMAIL,
    message="The verification email is on its way.",
    errors=[UserNotFound, EmailAlreadyVerified, OriginNotAllowed],
    is_limited=True,
)
