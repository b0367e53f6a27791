"""Documentation of `accounts.api.views.passwords`."""

from accounts.api import recent_proof
from accounts.api.docs import samples
from accounts.api.serializers.forms import ChangePasswordForm, ForgotPasswordForm, ResetPasswordForm
from accounts.exceptions import PasswordIncorrect, ResetTokenInvalid
from core.api.exceptions import OriginNotAllowed
from core.openapi.operation import Operation

TAG = "Passwords"
_NEW_PASSWORD = "Battery-Staple-8"

FORGOT = Operation(
    tag=TAG,
    summary="Request a link to set a new password",
    request=ForgotPasswordForm,
    requests={"An email": {"email": samples.EMAIL}},
    message="If an account has this email, a link to set a new password is on its way.",
    errors=[OriginNotAllowed],
    is_limited=True,
)

RESET = Operation(
    tag=TAG,
    summary="Set a new password with the link's token",
    request=ResetPasswordForm,
    requests={"The token from the link": {"token": samples.MAILED_TOKEN, "newPassword": _NEW_PASSWORD}},
    message="Your password has been changed. Sign in with the new one.",
    errors=[ResetTokenInvalid],
    is_limited=True,
)

CHANGE = Operation(
    tag=TAG,
    summary="Change your password",
    request=ChangePasswordForm,
    requests={"Both passwords": {"currentPassword": samples.PASSWORD, "newPassword": _NEW_PASSWORD}},
    message="Your password has been changed.",
    errors=[PasswordIncorrect(field="currentPassword")],
    is_limited=True,
    guard=recent_proof.BY_SERVICE,
)
