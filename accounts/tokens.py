"""Access and refresh tokens: minted from values, decoded into values. Pure functions of keys and clock, no database."""

import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from jwt.types import Options
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.tokens import Token

from config.api.exceptions import TokenExpired, TokenInvalid
from config.ids import parse_id

_LONGEST_TOKEN = 4096
_ALGORITHM = "HS256"
_OPTIONS: Options = {"verify_iat": False, "require": ["exp", "iat", "sub", "jti", "iss", "aud"]}


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    access_expires_at: datetime
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """What every token of ours says; `jti` is the token's own id, `session_id` the claim `sid`."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    jti: uuid.UUID


class _Codec(TokenBackend):
    """SimpleJWT's codec, except that a future `iat` is no fault: the clocks of two nodes differ."""

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - SimpleJWT's signature
        try:
            return jwt.decode(
                token,
                self.prepared_signing_key,
                algorithms=[_ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                options=_OPTIONS,
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenBackendExpiredToken from error
        except jwt.InvalidTokenError as error:
            raise TokenBackendError from error


class AccessToken(Token):
    token_type = "access"
    lifetime = timedelta(minutes=15)

    def get_token_backend(self) -> TokenBackend:
        return _codec(settings.JWT_SECRET_KEY, settings.JWT_ISSUER, settings.JWT_AUDIENCE)


class RefreshToken(Token):
    token_type = "refresh"
    lifetime = timedelta(days=7)

    def get_token_backend(self) -> TokenBackend:
        return _codec(settings.JWT_REFRESH_SECRET, settings.JWT_ISSUER, settings.JWT_AUDIENCE)


@functools.lru_cache(maxsize=8)
def _codec(key: str, issuer: str, audience: str) -> _Codec:
    return _Codec(_ALGORITHM, signing_key=key, issuer=issuer, audience=audience)


def mint_access(
    *, user_id: uuid.UUID, username: str, role: str, session_id: uuid.UUID, session_ends_at: datetime
) -> tuple[str, datetime]:
    """An access token of 15 minutes (JWT_ACCESS_EXPIRY), or of what its session has left; and when it expires."""
    issued_at = datetime.now(UTC).replace(microsecond=0)
    expires_at = min(issued_at + settings.JWT_ACCESS_EXPIRY, session_ends_at)
    claims = _common_claims(user_id, session_id, issued_at, expires_at)
    return _sign(AccessToken(), claims | {"jti": str(uuid.uuid4()), "username": username, "role": role}), expires_at


def mint_refresh(
    *, user_id: uuid.UUID, session_id: uuid.UUID, jti: uuid.UUID, issued_at: datetime, expires_at: datetime
) -> str:
    """A refresh token from stored values alone: the same values give the same bytes, so a lost answer can be repeated."""
    return _sign(RefreshToken(), _common_claims(user_id, session_id, issued_at, expires_at) | {"jti": str(jti)})


def _common_claims(
    user_id: uuid.UUID, session_id: uuid.UUID, issued_at: datetime, expires_at: datetime
) -> dict[str, str | int]:
    return {
        "sub": str(user_id),
        "sid": str(session_id),
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
    }


def _sign(token: Token, claims: Mapping[str, str | int]) -> str:
    token.payload.update(claims)
    return str(token)


def decode_access(raw: str) -> Claims:
    """The claims of a valid access token. Raises TokenExpired or, for every other fault, TokenInvalid."""
    payload = _decode(AccessToken, raw)
    if not (isinstance(payload.get("username"), str) and isinstance(payload.get("role"), str)):
        raise TokenInvalid
    return _claims(payload)


def decode_refresh(raw: str) -> Claims:
    """The claims of a valid refresh token, current or not. Raises TokenExpired or TokenInvalid."""
    return _claims(_decode(RefreshToken, raw))


def _decode(token_class: type[Token], raw: str) -> dict[str, Any]:
    if len(raw) > _LONGEST_TOKEN:
        raise TokenInvalid
    try:
        return token_class(raw).payload  # type: ignore[arg-type]
    except ExpiredTokenError as error:
        raise TokenExpired from error
    except Exception as error:  # a hostile token finds faults that no list of exceptions foresees; none may be a 500
        raise TokenInvalid from error


def _claims(payload: Mapping[str, Any]) -> Claims:
    user_id, session_id, jti = (parse_id(payload.get(name)) for name in ("sub", "sid", "jti"))
    if user_id is None or session_id is None or jti is None or not _are_whole(payload["iat"], payload["exp"]):
        raise TokenInvalid
    return Claims(user_id=user_id, session_id=session_id, jti=jti)


def _are_whole(*times: object) -> bool:
    return all(isinstance(time, int) and not isinstance(time, bool) for time in times)
