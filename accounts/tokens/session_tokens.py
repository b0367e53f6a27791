"""Mints and decodes access and refresh tokens. Needs keys and a clock, but no database."""

import functools
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import Token

from accounts.tokens import codecs
from accounts.tokens.keys import ring
from core.api.exceptions import TokenExpired, TokenInvalid
from core.ids import parse_id
from sessions_tracking.authentication_context import AuthenticationContext

_MAX_TOKEN_LENGTH = 4096
_MAX_TIMESTAMP = int(datetime.max.replace(tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    access_expires_at: datetime
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of both kinds of token: `sub`, `sid`, `jti`, `iat` and `exp`."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    jti: uuid.UUID
    issued_at: int
    expires_at: int


class _Token(Token):
    @staticmethod
    def backend() -> TokenBackend:
        raise NotImplementedError

    def get_token_backend(self) -> TokenBackend:
        return self.backend()

    def check_exp(self, claim: str = "exp", current_time: datetime | None = None) -> None:
        """Do nothing: `_require_unexpired` checks the expiry after all other claims."""


class AccessToken(_Token):
    token_type = "access"
    lifetime = timedelta(minutes=15)

    @staticmethod
    def backend() -> TokenBackend:
        if settings.JWT_PRIVATE_KEYS:
            return codecs.with_ring(settings.JWT_ISSUER, settings.JWT_AUDIENCE)
        return codecs.with_secret(settings.JWT_SECRET_KEY, settings.JWT_ISSUER, settings.JWT_AUDIENCE)


class RefreshToken(_Token):
    token_type = "refresh"
    lifetime = timedelta(days=7)

    @staticmethod
    def backend() -> TokenBackend:
        return codecs.with_secret(settings.JWT_REFRESH_SECRET, settings.JWT_ISSUER, settings.JWT_AUDIENCE)


def mint_access(
    *,
    user_id: uuid.UUID,
    username: str,
    role: str,
    session_id: uuid.UUID,
    session_ends_at: datetime,
    context: AuthenticationContext,
) -> tuple[str, datetime]:
    """Return an access token and its expiry: JWT_ACCESS_EXPIRY from now, but not after the session's.

    Only other services use the claims of the context; this one decides by the session.
    """
    issued_at = datetime.now(UTC).replace(microsecond=0)
    expires_at = min(issued_at + settings.JWT_ACCESS_EXPIRY, session_ends_at)
    claims = _common_claims(user_id, session_id, uuid.uuid4(), issued_at, expires_at)
    proof = {"acr": context.acr, "amr": list(context.amr), "auth_time": context.auth_time}
    return _sign(AccessToken, claims | {"username": username, "role": role} | proof), expires_at


def mint_refresh(
    *, user_id: uuid.UUID, session_id: uuid.UUID, jti: uuid.UUID, issued_at: datetime, expires_at: datetime
) -> str:
    """Return a refresh token. The same values give the same bytes, so a lost response can be repeated."""
    return _sign(RefreshToken, _common_claims(user_id, session_id, jti, issued_at, expires_at))


def _common_claims(
    user_id: uuid.UUID, session_id: uuid.UUID, jti: uuid.UUID, issued_at: datetime, expires_at: datetime
) -> dict[str, Any]:
    return {
        "exp": int(expires_at.timestamp()),
        "iat": int(issued_at.timestamp()),
        "jti": str(jti),
        "sub": str(user_id),
        "sid": str(session_id),
    }


def _sign(token_class: type[_Token], claims: Mapping[str, Any]) -> str:
    """Encode without a Token instance, whose constructor adds claims of its own."""
    return str(token_class.backend().encode({"token_type": token_class.token_type, **claims}))


def decode_access(raw: str) -> Claims:
    """Return the claims of a valid access token. Raises TokenExpired or, for every other fault, TokenInvalid."""
    keys = ring.current().keys() if settings.JWT_PRIVATE_KEYS else settings.JWT_SECRET_KEY
    claims = _verify_access(raw, (keys, settings.JWT_ISSUER, settings.JWT_AUDIENCE))
    _require_unexpired(claims)
    return claims


@functools.lru_cache(maxsize=2048)
def _verify_access(raw: str, _keys_and_settings: object) -> Claims:
    """Cache the verification of a token, which clients send with each request, until keys or settings change.

    Exceptions are not cached, so forged tokens cannot fill the cache.
    """
    payload = _decode(AccessToken, raw)
    if not (isinstance(payload.get("username"), str) and isinstance(payload.get("role"), str)):
        raise TokenInvalid
    return _claims(payload)


def decode_refresh(raw: str) -> Claims:
    """Return the claims of a valid refresh token, current or retired. Raises TokenExpired or TokenInvalid."""
    claims = _claims(_decode(RefreshToken, raw))
    _require_unexpired(claims)
    return claims


def _require_unexpired(claims: Claims) -> None:
    if claims.expires_at <= time.time():
        raise TokenExpired


def _decode(token_class: type[Token], raw: str) -> dict[str, Any]:
    if len(raw) > _MAX_TOKEN_LENGTH:
        raise TokenInvalid
    try:
        return token_class(raw).payload  # type: ignore[arg-type]
    except Exception as error:  # a hostile token must never cause a 500, and the libraries raise many classes
        raise TokenInvalid from error


def _claims(payload: Mapping[str, Any]) -> Claims:
    user_id, session_id, jti = (parse_id(payload.get(name)) for name in ("sub", "sid", "jti"))
    if user_id is None or session_id is None or jti is None or not isinstance(payload["aud"], str):
        raise TokenInvalid
    if not (_is_timestamp(payload["iat"]) and _is_timestamp(payload["exp"])):
        raise TokenInvalid
    return Claims(user_id=user_id, session_id=session_id, jti=jti, issued_at=payload["iat"], expires_at=payload["exp"])


def _is_timestamp(value: object) -> bool:
    """Return whether the value is whole seconds that a datetime can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_TIMESTAMP
