"""The request bodies of email changes."""

from accounts.api.serializers.fields import CurrentPassword, NewEmail, OneTimeCode, PastedToken
from accounts.api.serializers.forms import Form


class ChangeEmailForm(Form):
    newEmail = NewEmail()
    password = CurrentPassword()


class ConfirmEmailForm(Form):
    code = OneTimeCode()


class UndoEmailChangeForm(Form):
    token = PastedToken()
