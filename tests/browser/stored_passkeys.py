"""Users whose passkey is on a virtual device of the browser."""

import secrets

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from accounts.models import User
from accounts.passkeys import handles
from accounts.passkeys.testing.stored import store_passkey
from tests.browser.authenticator import Device


def give_passkey(user: User, device: Device) -> None:
    """Store a passkey of the user in the database and on the device, as the user's second factor."""
    key, credential_id = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(32)
    point = key.public_key().public_numbers()
    cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
    store_passkey(
        user,
        credential_id=credential_id,
        public_key=cbor2.dumps(cose),
        backup_eligible=False,
        backed_up=False,
    )
    User.objects.filter(id=user.id).update(mfa_enabled=True)
    device.receive(credential_id, key, user_handle=handles.get_or_create(user))
