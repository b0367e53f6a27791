"""Documentation of `accounts.mfa.api.views`."""

from typing import Any

from accounts.api.docs import samples, shapes
from accounts.api.docs.tokens import LOGIN
from accounts.api.serializers.forms import PasswordForm
from accounts.exceptions import (
    CodeInvalid,
    InvalidCredentials,
    MfaAlreadyEnabled,
    MfaNotEnabled,
    PasswordIncorrect,
    TooManyWrongCodes,
)
from accounts.mfa.api.mfa_forms import ConfirmTotpForm, VerifyMfaForm
from core.api.exceptions import OriginNotAllowed, RateLimited, TokenExpired, TokenInvalid
from core.openapi.operation import SETS_COOKIES, Operation

TAG = "Second factor"
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_CODES = ("K7M2X-QH4TR", "9PLWD-3VZ8B", "FJ6YN-2CSGA", "T5RKE-XU7HM", "B8QZV-4LD3P",
          "H2GNC-W9JYS", "A6TFU-MK5XE", "R4VPL-7ZB2Q", "S9DHW-NG3CJ", "Y7EKT-6UA8F")  # fmt: skip
_RECOVERY_CODES: dict[str, Any] = {"Shown this once": {"recoveryCodes": list(_CODES)}}
_YOUR_PASSWORD = {"Your password": {"password": samples.PASSWORD}}
_LIMITED = TooManyWrongCodes(retry_after=1800)

START = Operation(
    tag=TAG,
    summary="Start to add an authenticator app",
    message="Scan the picture with your app, and send the code that it shows.",
    data=shapes.TotpData,
    answers={
        "For the app": {
            "secret": _SECRET,
            "otpauthUri": f"otpauth://totp/Vestibule:alice%40example.com?secret={_SECRET}&issuer=Vestibule",
            "qrSvg": '<svg xmlns="http://www.w3.org/2000/svg" width="245" height="245">…</svg>',
        }
    },
    errors=[MfaAlreadyEnabled],
)

CONFIRM = Operation(
    tag=TAG,
    summary="Switch the second factor on",
    request=ConfirmTotpForm,
    requests={"The code that the app shows": {"code": "123456"}},
    message="Your second factor is on. Keep the recovery codes safe.",
    data=shapes.RecoveryCodesData,
    answers=_RECOVERY_CODES,
    errors=[CodeInvalid, MfaAlreadyEnabled, MfaNotEnabled, _LIMITED],
)

DISABLE = Operation(
    tag=TAG,
    summary="Remove the second factor",
    request=PasswordForm,
    requests=_YOUR_PASSWORD,
    message="Your second factor has been removed.",
    errors=[PasswordIncorrect(field="password"), MfaNotEnabled, RateLimited(retry_after=30)],
)

RENEW = Operation(
    tag=TAG,
    summary="Make new recovery codes",
    request=PasswordForm,
    requests=_YOUR_PASSWORD,
    message="These are your new recovery codes. Keep them safe.",
    data=shapes.RecoveryCodesData,
    answers=_RECOVERY_CODES,
    errors=[PasswordIncorrect(field="password"), MfaNotEnabled, RateLimited(retry_after=30)],
)

VERIFY = Operation(
    tag=TAG,
    summary="Finish a sign-in with the second factor",
    parameters=LOGIN.parameters,
    request=VerifyMfaForm,
    requests={
        "A code of the app": {"mfaToken": samples.MAILED_TOKEN, "code": "123456"},
        "A recovery code": {"mfaToken": samples.MAILED_TOKEN, "recoveryCode": _CODES[0]},
    },
    message=LOGIN.message,
    data=shapes.SignedInData,
    answers=samples.SIGNED_IN,
    headers=SETS_COOKIES,
    errors=[
        CodeInvalid,
        TokenInvalid,
        TokenExpired,
        InvalidCredentials,
        OriginNotAllowed,
        _LIMITED,
        RateLimited(retry_after=60),
    ],
)
