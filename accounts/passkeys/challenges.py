"""Challenges, which the database does not store: docs/decisions/0015-passkey-challenges.md.

A challenge is its id, its expiry and a keyed hash of both, its purpose and its binding. So no other purpose and no other
session accepts it, and it expires by itself.
"""

import hmac
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.db import connection

from accounts.passkeys.models import UsedChallenge
from accounts.tokens.signing import hmac_digest
from core.ids import new_id

LIFETIME = timedelta(minutes=5)
_ID_BYTES, _EXPIRY_BYTES, _HASH_BYTES = 16, 8, 32
LENGTH = _ID_BYTES + _EXPIRY_BYTES + _HASH_BYTES


class ChallengePurpose(StrEnum):
    REGISTRATION = "registration"
    SIGN_UP = "sign_up"
    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"
    STEP_UP = "step_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """`bytes` is what the authenticator signs. `id` is unique, and names the row that uses the challenge up."""

    id: uuid.UUID
    expires_at: datetime
    bytes: bytes


def issue(purpose: ChallengePurpose, binding: str = "") -> Challenge:
    """Return a new challenge. `binding` is the id of the session or of the pending login that may use it, or "" for any."""
    challenge_id, expires_at = new_id(), datetime.now(UTC).replace(microsecond=0) + LIFETIME
    expiry = int(expires_at.timestamp()).to_bytes(_EXPIRY_BYTES)
    signed = challenge_id.bytes + expiry + _hash(purpose, binding, challenge_id.bytes, expiry)
    return Challenge(id=challenge_id, expires_at=expires_at, bytes=signed)


def parse(challenge: bytes, purpose: ChallengePurpose, binding: str = "") -> Challenge | None:
    """Return the challenge if `issue` made it for this purpose and binding and it has not expired, else None."""
    if len(challenge) != LENGTH:
        return None
    challenge_id, rest = challenge[:_ID_BYTES], challenge[_ID_BYTES:]
    expiry, digest = rest[:_EXPIRY_BYTES], rest[_EXPIRY_BYTES:]
    if not hmac.compare_digest(digest, _hash(purpose, binding, challenge_id, expiry)):
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(expiry), UTC)
    if expires_at <= datetime.now(UTC):
        return None
    return Challenge(id=uuid.UUID(bytes=challenge_id), expires_at=expires_at, bytes=challenge)


def use(challenge: Challenge) -> bool:
    """Use the challenge up within the caller's transaction; return False if it has been used.

    A concurrent transaction that uses it waits for this one, so that of many one gets True.
    """
    row = UsedChallenge(id=challenge.id, expires_at=challenge.expires_at)
    fields = row._meta.concrete_fields  # noqa: SLF001 - documented by Django
    columns = ", ".join(str(field.column) for field in fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    table = row._meta.db_table  # noqa: SLF001 - documented by Django
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES (%s, %s) ON CONFLICT DO NOTHING", values)  # noqa: S608 - names of a model
        return bool(cursor.rowcount)


def _hash(purpose: ChallengePurpose, binding: str, challenge_id: bytes, expiry: bytes) -> bytes:
    return hmac_digest("passkey-challenge", purpose, binding, challenge_id.hex(), expiry.hex())
