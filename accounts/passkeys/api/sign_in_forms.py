"""The request bodies of the endpoints that sign in, or sign up, by passkey."""

from accounts.api.serializers.fields import PastedToken, RegistrationEmail, Username
from accounts.api.serializers.forms import Form
from accounts.api.serializers.session_options import SessionOptionsForm
from accounts.passkeys.api.fields import CredentialField


class PasskeyLoginForm(SessionOptionsForm):
    credential = CredentialField()


class MfaPasskeyOptionsForm(Form):
    mfaToken = PastedToken()


class SignUpOptionsForm(Form):
    email = RegistrationEmail()
    username = Username()
