"""Documentation of `accounts.passkeys.api.views`."""

from http import HTTPStatus
from typing import Any

from rest_framework import serializers

from accounts.api import recent_proof
from accounts.exceptions import LastSignInMethod
from accounts.passkeys.api import samples
from accounts.passkeys.api.forms import AddPasskeyForm, RenamePasskeyForm
from accounts.passkeys.api.presenters import PasskeyShape, Signal
from accounts.passkeys.api.shapes import CreationOptionsData
from accounts.passkeys.exceptions import PasskeyExists, PasskeyInvalid, TooManyPasskeys
from core.api.exceptions import NotFound
from core.api.shapes import Shape
from core.openapi.operation import Operation, parameter

TAG = "Passkeys"
_ID = parameter(
    "id", "path", "The passkey's id.", example=samples.PASSKEY["id"], schema={"type": "string", "format": "uuid"}
)
_THE_PASSKEY: dict[str, Any] = {"The passkey": {"passkey": samples.PASSKEY}}


class PasskeyData(Shape):
    passkey = PasskeyShape()


class AddedPasskeyData(PasskeyData):
    recoveryCodes = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Ten codes, shown once, if this is your first second factor.",
    )


class PasskeyListData(Shape):
    passkeys = PasskeyShape(many=True)
    signal = Signal()


START = Operation(
    tag=TAG,
    summary="Start adding a passkey",
    data=CreationOptionsData,
    responses={"Options for the browser": samples.creation_options(has_passkeys=False)},
    guard=recent_proof.ALWAYS,
    errors=[TooManyPasskeys],
)

ADD = Operation(
    tag=TAG,
    summary="Add a passkey",
    name="add_passkey",
    status=HTTPStatus.CREATED,
    request=AddPasskeyForm,
    requests={"The new credential": {"credential": samples.NEW_CREDENTIAL, "name": "Apple Passwords"}},
    message="The passkey was added.",
    data=AddedPasskeyData,
    responses=_THE_PASSKEY,
    guard=recent_proof.ALWAYS,
    errors=[PasskeyInvalid, PasskeyExists, TooManyPasskeys],
)

LIST = Operation(
    tag=TAG,
    summary="List your passkeys",
    name="list_passkeys",
    data=PasskeyListData,
    responses={
        "One passkey": {
            "passkeys": [samples.PASSKEY],
            "signal": {
                "rpId": "example.com",
                "userId": samples.USER_HANDLE,
                "allAcceptedCredentialIds": [samples.CREDENTIAL_ID],
                "name": "alice@example.com",
                "displayName": "alice",
            },
        }
    },
)

RENAME = Operation(
    tag=TAG,
    summary="Rename a passkey",
    name="rename_passkey",
    parameters=[_ID],
    request=RenamePasskeyForm,
    requests={"A name": {"name": "Work laptop"}},
    data=PasskeyData,
    responses=_THE_PASSKEY,
    errors=[NotFound],
)

REMOVE = Operation(
    tag=TAG,
    summary="Remove a passkey",
    name="remove_passkey",
    parameters=[_ID],
    message="The passkey was removed.",
    guard=recent_proof.ALWAYS,
    errors=[LastSignInMethod, NotFound],
)
