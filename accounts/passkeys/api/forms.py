"""Request bodies of the management of passkeys."""

from accounts.api.serializers.forms import Form
from accounts.passkeys.api.fields import CredentialField
from accounts.passkeys.models import MAX_NAME_LENGTH
from core.api.fields import PlainText


class AddPasskeyForm(Form):
    credential = CredentialField()
    name = PlainText(
        max_length=MAX_NAME_LENGTH, required=False, help_text="Defaults to that of the provider or of the device."
    )


class RenamePasskeyForm(Form):
    name = PlainText(max_length=MAX_NAME_LENGTH)
