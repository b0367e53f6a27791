"""The key pairs of the software authenticator: COSE keys (RFC 9052 §7, RFC 9053) and signatures (WebAuthn Level 3 §6.5.5)."""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

ES256, EDDSA, RS256 = -7, -8, -257
# The labels and values of COSE keys: IANA's registry "COSE Key Types" and "COSE Elliptic Curves".
_KTY, _ALG = 1, 3
_OKP, _EC2, _RSA = 1, 2, 3
_P256, _ED25519 = 1, 6
_RSA_BITS = 2048


class Key(Protocol):
    """A key pair. `to_cose` returns the public key, as a map for CBOR."""

    def to_cose(self) -> dict[int, object]: ...

    def sign(self, data: bytes) -> bytes: ...


class Es256Key:
    """ECDSA on P-256 with SHA-256, the algorithm of most passkeys."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())

    def to_cose(self) -> dict[int, object]:
        point = self._private.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return {_KTY: _EC2, _ALG: ES256, -1: _P256, -2: x, -3: y}

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data, ec.ECDSA(SHA256()))


class EdDsaKey:
    def __init__(self) -> None:
        self._private = ed25519.Ed25519PrivateKey.generate()

    def to_cose(self) -> dict[int, object]:
        return {_KTY: _OKP, _ALG: EDDSA, -1: _ED25519, -2: self._private.public_key().public_bytes_raw()}

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)


class Rs256Key:
    """RSA with PKCS #1 v1.5 and SHA-256, the algorithm of older Windows computers."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)

    def to_cose(self) -> dict[int, object]:
        numbers = self._private.public_key().public_numbers()
        n, e = numbers.n.to_bytes(_RSA_BITS // 8, "big"), numbers.e.to_bytes(3, "big")
        return {_KTY: _RSA, _ALG: RS256, -1: n, -2: e}

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data, padding.PKCS1v15(), SHA256())


KEY_TYPES: dict[int, type[Es256Key] | type[EdDsaKey] | type[Rs256Key]] = {
    ES256: Es256Key,
    EDDSA: EdDsaKey,
    RS256: Rs256Key,
}
