"""The entries of this capability in the registries of accounts."""

from accounts.api.serializers.fields import OneTimeCode
from accounts.login_codes import emails
from accounts.login_codes.flows import reauthentication
from accounts.mail.kinds import EMAIL_KINDS
from accounts.registries import REAUTHENTICATION_METHODS, ReauthenticationMethod

EMAIL_CODE = ReauthenticationMethod(
    name="email",
    field="emailCode",
    field_class=OneTimeCode,
    sample="123456",
    sample_title="Emailed code",
    is_available_for=reauthentication.is_available_for,
    verify=reauthentication.verify,
)


def register() -> None:
    EMAIL_KINDS.register(emails.LOGIN_CODE, emails.REAUTHENTICATION_CODE)
    REAUTHENTICATION_METHODS.register(EMAIL_CODE)
