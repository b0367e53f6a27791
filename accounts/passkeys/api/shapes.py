"""The shapes of options and credentials in responses: WebAuthn's own JSON (Level 3 §5.1.8 and §5.1.9)."""

from rest_framework import serializers

from core.api.shapes import Shape


class Descriptor(Shape):
    type = serializers.CharField()
    id = serializers.CharField(help_text="The passkey's credential ID, in base64url.")
    transports = serializers.ListField(child=serializers.CharField(), required=False)


class RequestOptions(Shape):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON()`."""

    challenge = serializers.CharField(help_text="Valid once, for 5 minutes.")
    timeout = serializers.IntegerField(help_text="In milliseconds.")
    rpId = serializers.CharField()
    allowCredentials = Descriptor(many=True)
    userVerification = serializers.ChoiceField(choices=["required", "preferred"])


class RequestOptionsData(Shape):
    publicKey = RequestOptions()


class RelyingParty(Shape):
    id = serializers.CharField()
    name = serializers.CharField()


class UserEntity(Shape):
    id = serializers.CharField(
        help_text="The user handle: 64 bytes in base64url, which contain nothing about the user."
    )
    name = serializers.CharField()
    displayName = serializers.CharField()


class PublicKeyParameter(Shape):
    type = serializers.CharField()
    alg = serializers.IntegerField(help_text="A COSE algorithm: -7 (ES256), -8 (EdDSA), -257 (RS256).")


class AuthenticatorSelection(Shape):
    residentKey = serializers.CharField()
    requireResidentKey = serializers.BooleanField()
    userVerification = serializers.CharField()


class Extensions(Shape):
    credProps = serializers.BooleanField()


class CreationOptions(Shape):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON()`."""

    rp = RelyingParty()
    user = UserEntity()
    challenge = serializers.CharField(help_text="Valid once, for 5 minutes.")
    pubKeyCredParams = PublicKeyParameter(many=True)
    timeout = serializers.IntegerField(help_text="In milliseconds.")
    excludeCredentials = Descriptor(many=True)
    authenticatorSelection = AuthenticatorSelection()
    attestation = serializers.CharField()
    extensions = Extensions()


class CreationOptionsData(Shape):
    publicKey = CreationOptions()
