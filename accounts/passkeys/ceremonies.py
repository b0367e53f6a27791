"""The verification of credentials (WebAuthn Level 3 §7). What the API receives is hostile: any defect is PasskeyInvalid.

py_webauthn verifies type, challenge, origin, relying party ID, flags, algorithm and signature. This module adds the checks that
the library lacks: frames of other sites, bytes after the data, key types, and the limits on what it decodes.
"""

import logging
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import cbor2
from django.conf import settings
from webauthn import verify_authentication_response, verify_registration_response

from accounts.passkeys import authenticator_data, cbor, challenges, credential_json, public_keys
from accounts.passkeys.challenges import Challenge, ChallengePurpose
from accounts.passkeys.credential_json import PresentedCredential
from accounts.passkeys.exceptions import PasskeyInvalid
from accounts.passkeys.models import Passkey

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasskey:
    """A verified registration. `challenge` has to be used up by the flow that stores the passkey."""

    challenge: Challenge
    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: uuid.UUID
    transports: list[str]
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A verified use of a passkey. `user_handle` is the owner's, or None if the authenticator sent none."""

    sign_count: int
    user_verified: bool
    backed_up: bool
    user_handle: bytes | None


def read(credential: object) -> PresentedCredential:
    """Return the credential's id and challenge, both unverified. Raises PasskeyInvalid."""
    return _guarded(lambda: credential_json.parse(credential))


def verify_registration(credential: object, *, purpose: ChallengePurpose, binding: str = "") -> NewPasskey:
    """Return the passkey of a user-verified, discoverable credential for a challenge of this purpose and binding.

    Raises PasskeyInvalid. The caller has to refuse a credential id that is known, and to use the challenge up.
    """
    return _guarded(lambda: _verify_registration(credential_json.parse(credential), purpose, binding))


def verify_assertion(
    presented: PresentedCredential, *, passkey: Passkey, challenge: Challenge, require_user_verification: bool
) -> Assertion:
    """Verify that the passkey signed the challenge. The counter is not judged: see `flows.usage.record`.

    Reads `passkey.user.passkey_handle`: select it with the passkey. Raises PasskeyInvalid.
    """
    owner_handle = bytes(passkey.user.passkey_handle.handle)
    return _guarded(lambda: _verify_assertion(presented, passkey, owner_handle, challenge, require_user_verification))


def _guarded(verify: Callable[[], T]) -> T:
    """The library and the decoders below it raise some twenty classes of errors, and others for input of the wrong type."""
    try:
        return verify()
    except Exception as error:  # noqa: BLE001 - see above; nothing here waits for anything or writes
        logger.info("passkey refused: %s", type(error).__name__)
        raise PasskeyInvalid from None


def _verify_registration(presented: PresentedCredential, purpose: ChallengePurpose, binding: str) -> NewPasskey:
    challenge = challenges.parse(presented.challenge, purpose, binding)
    if challenge is None or not credential_json.is_discoverable(presented):
        raise PasskeyInvalid
    data = _authenticator_data(credential_json.decode(presented.response.get("attestationObject")))
    attested = authenticator_data.parse_attested(data)
    if attested.credential_id != presented.credential_id:
        raise PasskeyInvalid
    public_keys.check(attested.public_key)
    verified = verify_registration_response(
        credential=_json_for_library(presented, "clientDataJSON") | _without_attestation(presented, data),
        expected_challenge=challenge.bytes,
        expected_rp_id=settings.WEBAUTHN_RP_ID,
        expected_origin=settings.WEBAUTHN_ORIGINS,
        require_user_verification=True,
        supported_pub_key_algs=public_keys.ALGORITHMS,
    )
    return NewPasskey(
        challenge=challenge,
        credential_id=attested.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=attested.aaguid,
        transports=credential_json.transports(presented),
        backup_eligible=authenticator_data.is_backup_eligible(data),
        backed_up=verified.credential_backed_up,
    )


def _authenticator_data(attestation_object: bytes) -> bytes:
    if cbor.get_end(attestation_object) != len(attestation_object):
        raise PasskeyInvalid
    data = cbor2.loads(attestation_object, allow_duplicate_keys=False)["authData"]
    if not isinstance(data, bytes):
        raise PasskeyInvalid
    return data


def _without_attestation(presented: PresentedCredential, data: bytes) -> dict[str, Any]:
    """Return the response with attestation "none": nothing here trusts a statement, so its certificates are not parsed either."""
    attestation_object = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
    encoded = urlsafe_b64encode(attestation_object).rstrip(b"=").decode()
    return {
        "response": {"clientDataJSON": presented.response["clientDataJSON"], "attestationObject": encoded},
    }


def _verify_assertion(
    presented: PresentedCredential,
    passkey: Passkey,
    owner_handle: bytes,
    challenge: Challenge,
    require_user_verification: bool,  # noqa: FBT001 - private
) -> Assertion:
    user_handle = credential_json.user_handle(presented)
    if user_handle not in {None, owner_handle} or presented.credential_id != bytes(passkey.credential_id):
        raise PasskeyInvalid
    data = credential_json.decode(presented.response.get("authenticatorData"))
    authenticator_data.check_assertion(data)
    if authenticator_data.is_backup_eligible(data) != passkey.backup_eligible:
        raise PasskeyInvalid
    verified = verify_authentication_response(
        credential=_json_for_library(presented, "clientDataJSON", "authenticatorData", "signature"),
        expected_challenge=challenge.bytes,
        expected_rp_id=settings.WEBAUTHN_RP_ID,
        expected_origin=settings.WEBAUTHN_ORIGINS,
        credential_public_key=bytes(passkey.public_key),
        credential_current_sign_count=0,  # so the library accepts every counter
        require_user_verification=require_user_verification,
    )
    return Assertion(
        sign_count=verified.new_sign_count,
        user_verified=verified.user_verified,
        backed_up=verified.credential_backed_up,
        user_handle=user_handle,
    )


def _json_for_library(presented: PresentedCredential, *fields: str) -> dict[str, Any]:
    """Leave out what the library would refuse for values that it does not know, such as a new transport."""
    names = ("id", "rawId", "type")
    return {name: presented.json.get(name) for name in names} | {
        "response": {field: presented.response.get(field) for field in fields}
    }
