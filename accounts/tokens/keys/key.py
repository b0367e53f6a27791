"""A signing key: loaded from PEM, rejected if it is weak, identified by its thumbprint."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey

EDDSA, ES256, RS256 = "EdDSA", "ES256", "RS256"
ALGORITHMS = (EDDSA, ES256, RS256)
_MIN_RSA_BITS = 2048
_NEW_RSA_BITS = 3072  # as strong as the curves (NIST SP 800-57)
_PUBLIC_EXPONENT = 65537
_PUBLIC = ("crv", "e", "kty", "n", "x", "y")


class UnusableKey(Exception):
    """The message has the reason, never the contents of the file."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`kid` is the RFC 7638 thumbprint, which every machine computes alike. A key has exactly one algorithm."""

    kid: str
    algorithm: str
    private: PrivateKey = field(repr=False)
    public: PublicKey = field(repr=False)
    jwk: dict[str, str] = field(repr=False)


def load(pem: bytes) -> SigningKey:
    """Load the private key of a PEM file. Raises UnusableKey."""
    try:
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        raise UnusableKey("is encrypted; give the key without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("holds no private key in PEM") from None
    return _supported_key(private)


def _supported_key(private: object) -> SigningKey:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return _key(EDDSA, private, OKPAlgorithm.to_jwk(private.public_key(), as_dict=True))
    if isinstance(private, ec.EllipticCurvePrivateKey):
        if not isinstance(private.curve, ec.SECP256R1):
            raise UnusableKey(f"holds a key on the curve {private.curve.name}; it must be P-256 (for ES256)")
        return _key(ES256, private, ECAlgorithm.to_jwk(private.public_key(), as_dict=True))
    if isinstance(private, rsa.RSAPrivateKey):
        if private.key_size < _MIN_RSA_BITS:
            raise UnusableKey(f"holds an RSA key of {private.key_size} bits; the minimum is {_MIN_RSA_BITS}")
        return _key(RS256, private, RSAAlgorithm.to_jwk(private.public_key(), as_dict=True))
    raise UnusableKey("holds a key of another kind; it must be Ed25519, P-256 or RSA")


def _key(algorithm: str, private: PrivateKey, numbers: dict[str, Any]) -> SigningKey:
    public: dict[str, str] = {name: numbers[name] for name in _PUBLIC if name in numbers}
    kid = _thumbprint(public)
    jwk = {"kty": public["kty"], "use": "sig", "alg": algorithm, "kid": kid} | public
    return SigningKey(kid=kid, algorithm=algorithm, private=private, public=private.public_key(), jwk=jwk)


def _thumbprint(public: dict[str, str]) -> str:
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")


def generate(algorithm: str) -> bytes:
    """Return a new private key in PEM."""
    private: PrivateKey
    if algorithm == EDDSA:
        private = ed25519.Ed25519PrivateKey.generate()
    elif algorithm == ES256:
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(_PUBLIC_EXPONENT, _NEW_RSA_BITS)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
