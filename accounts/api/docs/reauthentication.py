"""Documentation of `accounts.api.views.reauthentication`."""

from accounts.api.docs import samples, shapes
from accounts.api.docs.tokens import LOGIN
from accounts.api.serializers.reauthentication import ReauthenticateForm
from accounts.exceptions import CodeInvalid, PasswordIncorrect, SecondFactorRequired, TooManyWrongCodes
from accounts.registries import REAUTHENTICATION_METHODS, SECOND_FACTORS
from core.openapi.operation import Operation
from sessions_tracking.api.docs import SESSION

_TIME = {"accessExpiresAt": "2026-01-15T09:50:00.000Z"}
_STEPPED_UP = {"session": SESSION} | _TIME

REAUTHENTICATE = Operation(
    tag="Sign-in",
    summary="Confirm that it's you",
    parameters=LOGIN.parameters,
    request=ReauthenticateForm,
    requests={
        method.sample_title: {method.field: method.sample} for method in (*REAUTHENTICATION_METHODS, *SECOND_FACTORS)
    },
    message="Your identity is confirmed.",
    data=shapes.SteppedUpData,
    responses={
        "Token in the body": _STEPPED_UP | {"token": samples.ACCESS_TOKEN},
        "Token in the cookie alone": _STEPPED_UP,
    },
    headers={"Set-Cookie": "Sets `jwt`, as the login does. Absent with `X-Token-Transport: body`."},
    errors=[
        PasswordIncorrect(field="password"),
        CodeInvalid,
        SecondFactorRequired,
        TooManyWrongCodes(retry_after=1800),
        *(error for factor in SECOND_FACTORS for error in factor.step_up_errors),
    ],
    is_limited=True,
)
