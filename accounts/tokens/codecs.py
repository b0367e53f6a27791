"""Encodes and decodes JWTs: with a secret (HS256), or with the asymmetric keys of the key ring."""

import functools
from typing import Any

import jwt
from jwt.types import Options
from jwt.utils import base64url_encode
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from accounts.tokens.keys import ring

_ALGORITHM = "HS256"
_OPTIONS: Options = {"verify_iat": False, "verify_exp": False, "require": ["exp", "iat", "sub", "jti", "iss", "aud"]}


class SecretCodec(TokenBackend):
    """SimpleJWT's codec, which accepts an `iat` in the future, because the clocks of two nodes differ.

    `accounts.tokens.session_tokens` checks `exp` after every other claim: only an otherwise valid token is TokenExpired.
    """

    @functools.cached_property
    def prepared_signing_key(self) -> jwt.PyJWK:
        """Return a JWK, which PyJWT uses as it is. It searches bytes for a PEM or DER key each time."""
        secret: bytes = self._prepare_key(self.signing_key)
        return jwt.PyJWK({"kty": "oct", "k": base64url_encode(secret).decode()}, algorithm=_ALGORITHM)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - SimpleJWT's signature
        try:
            return self._verify(token)
        except jwt.InvalidTokenError as error:
            raise TokenBackendError from error

    def _verify(self, token: Any) -> dict[str, Any]:
        return self._decode(token, self.prepared_signing_key, _ALGORITHM)

    def _decode(self, token: Any, key: Any, algorithm: str) -> dict[str, Any]:
        return jwt.decode(
            token, key, algorithms=[algorithm], audience=self.audience, issuer=self.issuer, options=_OPTIONS
        )


class RingCodec(SecretCodec):
    """Signs with the newest active key, and verifies with the key of the token's `kid`.

    The key determines the algorithm, never the token's header (RFC 8725 §3.1), so a public key is never used as an HMAC
    secret. Tokens without `kid` are rejected, also those from before the first key; their clients refresh.
    """

    def __init__(self, issuer: str, audience: str) -> None:
        super().__init__(_ALGORITHM, issuer=issuer, audience=audience)

    def encode(self, payload: dict[str, Any]) -> str:
        key, claims = ring.current().keys().signing, payload | {"aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})

    def _verify(self, token: Any) -> dict[str, Any]:
        key = ring.current().find(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidTokenError
        return self._decode(token, key.public, key.algorithm)


@functools.lru_cache(maxsize=8)
def with_secret(key: str, issuer: str, audience: str) -> SecretCodec:
    return SecretCodec(_ALGORITHM, signing_key=key, issuer=issuer, audience=audience)


@functools.lru_cache(maxsize=8)
def with_ring(issuer: str, audience: str) -> RingCodec:
    return RingCodec(issuer, audience)
