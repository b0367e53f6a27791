"""Public keys of passkeys (COSE, RFC 9052 §7): which are accepted, and a check that signatures can be verified with them."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSECRV, COSEKTY, COSEAlgorithmIdentifier

ES256, EDDSA, RS256 = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
# In the order of preference.
ALGORITHMS = [ES256, EDDSA, RS256]
# The key type and the curve that an algorithm must have (WebAuthn Level 3 §5.8.5).
_KEY_TYPES = {ES256: (COSEKTY.EC2, COSECRV.P256), EDDSA: (COSEKTY.OKP, COSECRV.ED25519), RS256: (COSEKTY.RSA, None)}
_MAP = 5  # the major type of a map in CBOR
# The time to verify a signature grows with the modulus and the exponent.
_RSA_BITS = range(2048, 4097)
_MAX_RSA_EXPONENT = 2**32


class UnusableKey(ValueError):
    """The key is of another type than its algorithm, or verifying a signature with it takes too long."""


def check(public_key: bytes) -> None:
    """Raise UnusableKey, or what the library raises for a key that is malformed or not on its curve."""
    if public_key[0] >> 5 != _MAP:  # the library would read another byte as the bare point of a U2F key
        raise UnusableKey
    decoded = decode_credential_public_key(public_key)
    if _KEY_TYPES.get(decoded.alg) != (decoded.kty, getattr(decoded, "crv", None)):
        raise UnusableKey
    key = decoded_public_key_to_cryptography(decoded)
    if isinstance(key, RSAPublicKey) and not _is_fast(key):
        raise UnusableKey


def _is_fast(key: RSAPublicKey) -> bool:
    return key.key_size in _RSA_BITS and key.public_numbers().e < _MAX_RSA_EXPONENT
