"""The software authenticator itself: another implementation accepts what it makes, with each of its algorithms."""

import json

import pytest
import webauthn
from webauthn.helpers.exceptions import InvalidAuthenticationResponse
from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement

from accounts.passkeys.testing.authenticator import Json, SoftwareAuthenticator, decode
from accounts.passkeys.testing.keys import EDDSA, ES256, RS256, Es256Key

RP_ID, ORIGIN = "example.com", "https://example.com"


def _creation_options() -> Json:
    selection = AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.REQUIRED)
    options = webauthn.generate_registration_options(
        rp_id=RP_ID, rp_name="Example", user_name="alice", authenticator_selection=selection
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def _request_options() -> Json:
    return dict(json.loads(webauthn.options_to_json(webauthn.generate_authentication_options(rp_id=RP_ID))))


def _register(authenticator: SoftwareAuthenticator) -> bytes:
    """Return the public key that was registered."""
    options = _creation_options()
    verified = webauthn.verify_registration_response(
        credential=authenticator.create(options),
        expected_challenge=decode(options["challenge"]),
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        require_user_verification=True,
    )
    return verified.credential_public_key


def _verify(options: Json, credential: Json, public_key: bytes) -> int:
    """Return the signature counter of a verified assertion."""
    return webauthn.verify_authentication_response(
        credential=credential,
        expected_challenge=decode(options["challenge"]),
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        credential_public_key=public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    ).new_sign_count


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_an_assertion_of_each_algorithm_is_valid(algorithm: int) -> None:
    authenticator = SoftwareAuthenticator(origin=ORIGIN, algorithms=[algorithm], step=3)
    public_key, options = _register(authenticator), _request_options()

    assert _verify(options, authenticator.get(options), public_key) == 3
    assert _verify(options, authenticator.get(options), public_key) == 6


def test_a_signature_of_another_key_is_invalid() -> None:
    authenticator = SoftwareAuthenticator(origin=ORIGIN)
    public_key, options = _register(authenticator), _request_options()

    with pytest.raises(InvalidAuthenticationResponse):
        _verify(options, authenticator.get(options, signing_key=Es256Key()), public_key)
