"""Documentation of `accounts.api.views.email_change`."""

from accounts.api.docs import samples, shapes
from accounts.api.serializers.email_change import ChangeEmailForm, ConfirmEmailForm, UndoEmailChangeForm
from accounts.exceptions import (
    CodeInvalid,
    EmailTaken,
    PasswordIncorrect,
    PreviousEmailTaken,
    TooManyAttempts,
    UndoTokenInvalid,
)
from core.openapi.operation import Operation

TAG = "Account"
_NEW_EMAIL = "alice@example.org"

REQUEST = Operation(
    tag=TAG,
    summary="Ask to change your address",
    request=ChangeEmailForm,
    requests={"The new address": {"newEmail": _NEW_EMAIL, "password": samples.PASSWORD}},
    message="A code is on its way to the new address.",
    errors=[EmailTaken(errors={"newEmail": [EmailTaken.message]}), PasswordIncorrect(field="password")],
    is_limited=True,
)

CONFIRM = Operation(
    tag=TAG,
    summary="Confirm the new address",
    request=ConfirmEmailForm,
    requests={"The code of the email": {"code": "482913"}},
    message="Your address has been changed.",
    data=shapes.ProfileData,
    responses={"You, with the new address": {"user": samples.PROFILE | {"email": _NEW_EMAIL}}},
    errors=[CodeInvalid, EmailTaken, TooManyAttempts],
)

UNDO = Operation(
    tag=TAG,
    summary="Undo a change of address",
    request=UndoEmailChangeForm,
    requests={"The token of the link": {"token": samples.MAILED_TOKEN}},
    message="Your address is back, and every session has ended. Check your inbox.",
    errors=[UndoTokenInvalid, PreviousEmailTaken],
    is_limited=True,
)
