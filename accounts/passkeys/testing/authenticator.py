"""A software authenticator and its browser: they make the credentials that an API client sends, correct ones and forged ones.

Source: WebAuthn Level 3, §5.1 (JSON of a credential), §5.8.1 (client data), §6.1 (authenticator data), §6.5 (attestation).
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import cbor2

from accounts.passkeys.testing.keys import KEY_TYPES, Key

Json = dict[str, Any]
_CREATE, _GET = "webauthn.create", "webauthn.get"


class Flags(IntFlag):
    """The flags of the authenticator data: user present and verified, backup eligible and state, data that follows."""

    UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


PRESENT = Flags.UP
VERIFIED = Flags.UP | Flags.UV
SYNCED = Flags.UP | Flags.UV | Flags.BE | Flags.BS


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """The values in which a forged response differs from a correct one. A default of None stands for the correct value.

    `client_data`, `authenticator_data` and `attestation_object` replace the whole encoded value. `trailing` follows the
    authenticator data, and `extensions` are its extension outputs, in CBOR; the signature covers both. `alg` is written into
    the public key. `signing_key` signs in place of the passkey's own key.
    """

    type: str | None = None
    challenge: bytes | None = None
    cross_origin: bool = False
    top_origin: str | None = None
    client_data: bytes | None = None
    rp_id: str | None = None
    flags: Flags | None = None
    counter: int | None = None
    extensions: bytes = b""
    trailing: bytes = b""
    authenticator_data: bytes | None = None
    alg: int | None = None
    public_key: bytes | None = None
    attestation_object: bytes | None = None
    signing_key: Key | None = None
    signature: bytes | None = None
    credential_id: bytes | None = None
    user_handle: bytes | None = None
    has_user_handle: bool = True


@dataclass(kw_only=True)
class HeldPasskey:
    """A passkey that the authenticator holds. `counter` is the signature counter that it sent last."""

    id: bytes
    key: Key
    rp_id: str
    user_handle: bytes
    counter: int = 0


@dataclass(kw_only=True)
class SoftwareAuthenticator:
    """Holds passkeys, the newest last, and uses them at pages of `origin`.

    `step` is added to a passkey's counter with each use: 0 behaves like synced passkeys, which do not count.
    `algorithms` are those that the authenticator supports, and the first that the options accept too is used.
    """

    origin: str
    flags: Flags = SYNCED
    aaguid: bytes = bytes(16)
    algorithms: Sequence[int] = tuple(KEY_TYPES)
    transports: Sequence[str] = ("internal", "hybrid")
    is_discoverable: bool = True
    step: int = 0
    passkeys: list[HeldPasskey] = field(default_factory=list)

    def create(self, options: Mapping[str, Any], *, origin: str | None = None, **overrides: Any) -> Json:
        """Make a passkey for the options, keep it, and return the credential that registers it."""
        forged = Overrides(**overrides)
        passkey = HeldPasskey(
            id=forged.credential_id or secrets.token_bytes(32),
            key=KEY_TYPES[self._algorithm(options)](),
            rp_id=options["rp"]["id"],
            user_handle=decode(options["user"]["id"]),
        )
        self.passkeys.append(passkey)
        client_data = self._client_data(_CREATE, options, origin, forged)
        data = self._authenticator_data(passkey, forged, attested=_attested(self.aaguid, passkey, forged))
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encode(client_data),
            "attestationObject": encode(forged.attestation_object or attestation),
            "authenticatorData": encode(data),
            "transports": list(self.transports),
        }
        return _credential(passkey.id, response, {"credProps": {"rk": self.is_discoverable}})

    def get(
        self,
        options: Mapping[str, Any],
        *,
        passkey: HeldPasskey | None = None,
        origin: str | None = None,
        **overrides: Any,
    ) -> Json:
        """Return the assertion of `passkey`, or else of the newest passkey that the options allow."""
        forged = Overrides(**overrides)
        used = passkey or self._allowed(options)
        used.counter += self.step
        client_data = self._client_data(_GET, options, origin, forged)
        data = self._authenticator_data(used, forged)
        signature = (forged.signing_key or used.key).sign(data + hashlib.sha256(client_data).digest())
        response = {
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(forged.signature or signature),
        }
        if forged.has_user_handle:
            response["userHandle"] = encode(forged.user_handle or used.user_handle)
        return _credential(forged.credential_id or used.id, response, {})

    def _algorithm(self, options: Mapping[str, Any]) -> int:
        accepted = [entry["alg"] for entry in options["pubKeyCredParams"]]
        return next(alg for alg in self.algorithms if alg in accepted)

    def _allowed(self, options: Mapping[str, Any]) -> HeldPasskey:
        """Return the newest passkey of the RP ID; `allowCredentials` restricts the choice if it is not empty."""
        ids = {decode(entry["id"]) for entry in options.get("allowCredentials") or ()}
        usable = [passkey for passkey in self.passkeys if passkey.rp_id == options["rpId"]]
        return [passkey for passkey in usable if not ids or passkey.id in ids][-1]

    def _client_data(self, kind: str, options: Mapping[str, Any], origin: str | None, forged: Overrides) -> bytes:
        if forged.client_data is not None:
            return forged.client_data
        challenge = options["challenge"] if forged.challenge is None else encode(forged.challenge)
        data = {
            "type": forged.type or kind,
            "challenge": challenge,
            "origin": origin or self.origin,
            "crossOrigin": forged.cross_origin,
        }
        if forged.top_origin is not None:
            data["topOrigin"] = forged.top_origin
        return json.dumps(data, separators=(",", ":")).encode()

    def _authenticator_data(self, passkey: HeldPasskey, forged: Overrides, *, attested: bytes = b"") -> bytes:
        if forged.authenticator_data is not None:
            return forged.authenticator_data
        flags = self.flags if forged.flags is None else forged.flags
        if attested:
            flags |= Flags.AT
        if forged.extensions:
            flags |= Flags.ED
        counter = passkey.counter if forged.counter is None else forged.counter
        rp_id_hash = hashlib.sha256((forged.rp_id or passkey.rp_id).encode()).digest()
        return rp_id_hash + bytes([flags]) + counter.to_bytes(4, "big") + attested + forged.extensions + forged.trailing


def _attested(aaguid: bytes, passkey: HeldPasskey, forged: Overrides) -> bytes:
    """Return the attested credential data (§6.5.2): AAGUID, length and id of the credential, public key."""
    cose = passkey.key.to_cose() | ({} if forged.alg is None else {3: forged.alg})
    public_key = cbor2.dumps(cose) if forged.public_key is None else forged.public_key
    return aaguid + len(passkey.id).to_bytes(2, "big") + passkey.id + public_key


def _credential(credential_id: bytes, response: Json, extensions: Json) -> Json:
    """Return what `PublicKeyCredential.toJSON()` returns."""
    return {
        "id": encode(credential_id),
        "rawId": encode(credential_id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": extensions,
        "response": response,
    }


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
