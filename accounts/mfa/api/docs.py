"""Documentation of `accounts.mfa.api.views`."""

from typing import Any

from rest_framework import serializers

from accounts.api import recent_proof
from accounts.api.docs import samples
from accounts.api.serializers.forms import PasswordForm
from accounts.exceptions import (
    CodeInvalid,
    PasswordIncorrect,
    TooManyWrongCodes,
)
from accounts.mfa.api.forms import ConfirmTotpForm
from accounts.mfa.exceptions import MfaAlreadyEnabled, MfaNotEnabled, NoAuthenticatorApp
from core.api.exceptions import RateLimited
from core.api.shapes import Shape
from core.openapi.operation import Operation

TAG = "Second factor"
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_CODES = ("K7M2X-QH4TR", "9PLWD-3VZ8B", "FJ6YN-2CSGA", "T5RKE-XU7HM", "B8QZV-4LD3P",
          "H2GNC-W9JYS", "A6TFU-MK5XE", "R4VPL-7ZB2Q", "S9DHW-NG3CJ", "Y7EKT-6UA8F")  # fmt: skip
_RECOVERY_CODES: dict[str, Any] = {"Recovery codes, shown once": {"recoveryCodes": list(_CODES)}}
_YOUR_PASSWORD = {"Your password": {"password": samples.PASSWORD}}
_LIMITED = TooManyWrongCodes(retry_after=1800)


class TotpData(Shape):
    secret = serializers.CharField(help_text="In base32, for an app that takes it typed in. Shown this once.")
    otpauthUri = serializers.CharField(help_text="For an app on the same device.")
    qrSvg = serializers.CharField(help_text="The same as a picture, to set into a page as it is.")


class RecoveryCodesData(Shape):
    recoveryCodes = serializers.ListField(child=serializers.CharField(), min_length=10, max_length=10)


class AddedAppData(Shape):
    recoveryCodes = serializers.ListField(
        child=serializers.CharField(),
        min_length=10,
        max_length=10,
        required=False,
        help_text="Only if the app is the first second factor: a user who has another one has codes already.",
    )


START = Operation(
    tag=TAG,
    summary="Start adding an authenticator app",
    message="Scan the QR code with your authenticator app, then send the code it shows.",
    data=TotpData,
    responses={
        "Secret for the app": {
            "secret": _SECRET,
            "otpauthUri": f"otpauth://totp/Vestibule:alice%40example.com?secret={_SECRET}&issuer=Vestibule",
            "qrSvg": '<svg xmlns="http://www.w3.org/2000/svg" width="245" height="245">…</svg>',
        }
    },
    errors=[MfaAlreadyEnabled],
    guard=recent_proof.ALWAYS,
)

CONFIRM = Operation(
    tag=TAG,
    summary="Confirm an authenticator app",
    request=ConfirmTotpForm,
    requests={"Code from the authenticator app": {"code": "123456"}},
    message="Two-factor authentication is on. Keep your recovery codes in a safe place.",
    data=AddedAppData,
    responses=_RECOVERY_CODES | {"Beside another second factor": {}},
    errors=[CodeInvalid, MfaAlreadyEnabled, NoAuthenticatorApp, _LIMITED],
)

DISABLE = Operation(
    tag=TAG,
    summary="Remove the authenticator app",
    request=PasswordForm,
    requests=_YOUR_PASSWORD,
    message="The authenticator app has been removed.",
    errors=[PasswordIncorrect(field="password"), NoAuthenticatorApp, RateLimited(retry_after=30)],
    guard=recent_proof.BY_SERVICE,
)

RENEW = Operation(
    tag=TAG,
    summary="Create new recovery codes",
    request=PasswordForm,
    requests=_YOUR_PASSWORD,
    message="These are your new recovery codes. Keep them in a safe place.",
    data=RecoveryCodesData,
    responses=_RECOVERY_CODES,
    errors=[PasswordIncorrect(field="password"), MfaNotEnabled, RateLimited(retry_after=30)],
    guard=recent_proof.BY_SERVICE,
)
