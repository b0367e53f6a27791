"""Documentation of `accounts.passkeys.api.sign_in_views`."""

from accounts.api.docs import samples as account_samples
from accounts.api.docs import shapes as account_shapes
from accounts.api.docs.registration import TAG as REGISTRATION_TAG
from accounts.api.docs.tokens import LOGIN as PASSWORD_LOGIN
from accounts.api.docs.tokens import TAG as SIGN_IN_TAG
from accounts.exceptions import EmailNotVerified
from accounts.passkeys.api import samples, shapes
from accounts.passkeys.api.sign_in_forms import MfaPasskeyOptionsForm, PasskeyLoginForm, SignUpOptionsForm
from accounts.passkeys.exceptions import NoPasskey, PasskeyInvalidLogin, PasskeyUnknown
from core.api.exceptions import OriginNotAllowed, TokenExpired, TokenInvalid
from core.openapi.operation import SETS_COOKIES, Operation

_NEW_ACCOUNT = {"email": account_samples.EMAIL, "username": account_samples.USERNAME}

LOGIN_OPTIONS = Operation(
    tag=SIGN_IN_TAG,
    summary="Get the options of a sign-in by passkey",
    data=shapes.RequestOptionsData,
    responses={"Any passkey": samples.request_options(user_verification="required", is_discoverable=True)},
    errors=[OriginNotAllowed],
    is_limited=True,
)

LOGIN = Operation(
    tag=SIGN_IN_TAG,
    summary="Sign in by passkey",
    parameters=PASSWORD_LOGIN.parameters,
    request=PasskeyLoginForm,
    requests={
        "A passkey": {"credential": samples.ASSERTION},
        "A passkey, with a name for the session": {"credential": samples.ASSERTION, "deviceName": "Kitchen tablet"},
    },
    message=PASSWORD_LOGIN.message,
    data=account_shapes.SignedInData,
    responses=account_samples.SIGNED_IN,
    headers=SETS_COOKIES,
    errors=[PasskeyUnknown, PasskeyInvalidLogin, EmailNotVerified, OriginNotAllowed],
    is_limited=True,
)

SIGN_UP_OPTIONS = Operation(
    tag=REGISTRATION_TAG,
    summary="Get the options of a sign-up by passkey",
    request=SignUpOptionsForm,
    requests={"A new account": _NEW_ACCOUNT},
    data=shapes.CreationOptionsData,
    responses={"A new passkey": samples.creation_options(has_passkeys=False)},
    errors=[OriginNotAllowed],
    is_limited=True,
)

SECOND_FACTOR_OPTIONS = Operation(
    tag="Second factor",
    summary="Get the options of a passkey as the second factor",
    request=MfaPasskeyOptionsForm,
    requests={"A login that waits for its second factor": {"mfaToken": account_samples.MAILED_TOKEN}},
    data=shapes.RequestOptionsData,
    responses={"The user's passkeys": samples.request_options(user_verification="preferred")},
    errors=[TokenInvalid, TokenExpired, NoPasskey, OriginNotAllowed],
    is_limited=True,
)

STEP_UP_OPTIONS = Operation(
    tag=SIGN_IN_TAG,
    summary="Get the options of a passkey as a recent proof",
    data=shapes.RequestOptionsData,
    responses={"Your passkeys": samples.request_options(user_verification="required")},
    errors=[NoPasskey],
)
