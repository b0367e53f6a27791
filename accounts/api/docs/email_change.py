"""Documentation of `accounts.api.views.email_change`."""

from accounts.api import recent_proof
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
    summary="Change your email",
    request=ChangeEmailForm,
    requests={"The new email": {"newEmail": _NEW_EMAIL, "password": samples.PASSWORD}},
    message="A verification code is on its way to your new email address.",
    errors=[EmailTaken(errors={"newEmail": [EmailTaken.message]}), PasswordIncorrect(field="password")],
    is_limited=True,
    guard=recent_proof.BY_SERVICE,
)

CONFIRM = Operation(
    tag=TAG,
    summary="Confirm your new email",
    request=ConfirmEmailForm,
    requests={"The code from the email": {"code": "482913"}},
    message="Your email address has been changed.",
    data=shapes.ProfileData,
    responses={"Your profile with the new email": {"user": samples.PROFILE | {"email": _NEW_EMAIL}}},
    errors=[CodeInvalid, EmailTaken, TooManyAttempts],
)

UNDO = Operation(
    tag=TAG,
    summary="Undo an email change",
    request=UndoEmailChangeForm,
    requests={"The token from the link": {"token": samples.MAILED_TOKEN}},
    message="Your previous email address has been restored, and you have been signed out of all devices. Check your inbox.",
    errors=[UndoTokenInvalid, PreviousEmailTaken],
    is_limited=True,
)
