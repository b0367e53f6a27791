"""The request bodies of email changes."""

from accounts.api.serializers.fields import NewEmail, OneTimeCode, Password, PastedToken
from accounts.api.serializers.forms import Form


class ChangeEmailForm(Form):
    newEmail = NewEmail()
    password = Password()


class ConfirmEmailForm(Form):
    code = OneTimeCode()


class UndoEmailChangeForm(Form):
    token = PastedToken()
