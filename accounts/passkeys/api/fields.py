"""The field of requests that carries a credential."""

from typing import Any

from core.api.fields import DataObject


class CredentialField(DataObject):
    """What `PublicKeyCredential.toJSON()` returns, with the limits of DataObject.

    Its content is verified by `accounts.passkeys.ceremonies`, not here.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"help_text": "The passkey's response, as `credential.toJSON()` returns it."} | kwargs))
