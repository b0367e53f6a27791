"""The stage between the right password and the second factor: a row, and a token that opens nothing but the next step."""

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import F

from accounts.keyed_hash import hmac_hexdigest
from accounts.models import LoginSurface, PendingLogin, User
from accounts.tokens import signed_ids
from core.api.exceptions import TokenExpired, TokenInvalid

_PURPOSE = "mfa-challenge.token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A sign-in that waits for the second factor. `token` stands for it; the database holds nothing that could."""

    token: str
    expires_at: datetime


def begin(*, user: User, door: LoginSurface, wishes: Mapping[str, Any] | None = None) -> Pending:
    """For whoever gave the right password. `wishes` is kept for the session to come."""
    now = datetime.now(UTC)
    challenge = PendingLogin.objects.create(
        user=user,
        door=door,
        bound_to=_binding(user),
        wishes=dict(wishes or {}),
        created_at=now,
        expires_at=now + settings.MFA_CHALLENGE_LIFETIME,
    )
    return Pending(token=signed_ids.seal(_PURPOSE, challenge.id), expires_at=challenge.expires_at)


def lock(*, token: str, door: LoginSurface) -> PendingLogin:
    """The live challenge, its user locked, within the caller's transaction: of parallel tries one at a time is judged.

    Raises TokenExpired; TokenInvalid for one that has ended, whose user is inactive or has another password since.
    """
    challenge_id = signed_ids.unseal(_PURPOSE, token)
    user = _lock_user(challenge_id, door) if challenge_id else None
    if challenge_id is None or user is None:
        raise TokenInvalid
    challenge = PendingLogin.objects.filter(id=challenge_id, ended_at=None).first()
    if challenge is None or not hmac.compare_digest(challenge.bound_to, _binding(user)):
        raise TokenInvalid
    if challenge.expires_at <= datetime.now(UTC):
        raise TokenExpired
    challenge.user = user
    return challenge


def _lock_user(challenge_id: uuid.UUID, door: LoginSurface) -> User | None:
    """Read without a lock, a challenge never changes its user; all else about it is read under the user's lock."""
    user_id = PendingLogin.objects.filter(id=challenge_id, door=door).values_list("user_id", flat=True).first()
    if user_id is None:
        return None
    return User.objects.select_for_update().filter(id=user_id, is_active=True, mfa_enabled=True).first()


def end(challenge: PendingLogin) -> bool:
    """True for the one caller that ended it."""
    return PendingLogin.objects.filter(id=challenge.id, ended_at=None).update(**_ended()) == 1


def count_wrong(challenge: PendingLogin) -> None:
    """The last try that is allowed ends it."""
    open_one = PendingLogin.objects.filter(id=challenge.id, ended_at=None)
    open_one.update(tries=F("tries") + 1)
    open_one.filter(tries__gte=settings.MAX_CODE_TRIES).update(**_ended())


def end_all(*, user_id: uuid.UUID) -> None:
    """Nobody who waits at the second factor of this user gets any further."""
    PendingLogin.objects.filter(user_id=user_id, ended_at=None).update(**_ended())


def abandon(token: str) -> None:
    """Ends the sign-in that the token stands for, if it is one of ours: it is never resumed."""
    challenge_id = signed_ids.unseal(_PURPOSE, token)
    if challenge_id is not None:
        PendingLogin.objects.filter(id=challenge_id, ended_at=None).update(**_ended())


def _ended() -> dict[str, Any]:
    """The changes that end a challenge. What it kept for the session, the client's data among it, goes at once."""
    return {"ended_at": datetime.now(UTC), "wishes": {}}


def _binding(user: User) -> str:
    return hmac_hexdigest("mfa-challenge.binding", str(user.id), user.password)
