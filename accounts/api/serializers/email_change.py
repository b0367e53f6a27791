"""What clients send about a change of address."""

from accounts.api.serializers.fields import NewEmail, Password
from accounts.api.serializers.forms import Form
from config.api.fields import PlainText, SecretText


class ChangeEmailForm(Form):
    newEmail = NewEmail()
    password = Password()


class ConfirmEmailForm(Form):
    code = PlainText(help_text="Six digits.", max_length=64)


class UndoEmailChangeForm(Form):
    token = SecretText(max_length=512)
