"""Documentation of `accounts.api.views.pending_logins`."""

from accounts.api.docs import samples, shapes
from accounts.api.docs.tokens import LOGIN
from accounts.api.serializers.pending_logins import VerifyMfaForm
from accounts.exceptions import CodeInvalid, InvalidCredentials, TooManyWrongCodes
from accounts.registries import SECOND_FACTORS
from core.api.exceptions import OriginNotAllowed, RateLimited, TokenExpired, TokenInvalid
from core.openapi.operation import SETS_COOKIES, Operation

VERIFY = Operation(
    tag="Second factor",
    summary="Complete a login with a second factor",
    parameters=LOGIN.parameters,
    request=VerifyMfaForm,
    requests={
        factor.sample_title: {"mfaToken": samples.MAILED_TOKEN, factor.field: factor.sample}
        for factor in SECOND_FACTORS
    },
    message=LOGIN.message,
    data=shapes.SignedInData,
    responses=samples.SIGNED_IN,
    headers=SETS_COOKIES,
    errors=[
        CodeInvalid,
        TokenInvalid,
        TokenExpired,
        InvalidCredentials,
        OriginNotAllowed,
        *(error for factor in SECOND_FACTORS for error in factor.errors),
        TooManyWrongCodes(retry_after=1800),
        RateLimited(retry_after=60),
    ],
)
