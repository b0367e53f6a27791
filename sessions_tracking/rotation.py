"""Rotates refresh tokens: one statement retires the presented one, makes the next one current, and says for whom."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import DateTimeField, Exists, F, OuterRef, Subquery, UUIDField
from django.db.models.functions import Least

from core.api.exceptions import SessionRevoked, TokenInvalid
from core.db.prepared import Param, PreparedUpdate
from core.db.prepared_rows import Instances, Joined
from core.ids import new_id
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.exceptions import RefreshTokenRetired
from sessions_tracking.models import Session, SessionQuerySet

_BOUND_COLUMNS = (
    "ip", "user_agent", "device", "browser", "os", "platform", "location",
    "refresh_jti", "refresh_issued_at", "rotated_at", "updated_at", "last_seen_at",
)  # fmt: skip
# The token claims come from these; all other columns of the user are deferred, and reading one is a query.
_USER_COLUMNS = ("id", "username", "role")
_FIELDS = {field.attname: field for field in Session._meta.concrete_fields}  # noqa: SLF001 - documented API


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedToken:
    """What a refresh token says of its session: the claims `sid`, `sub`, `jti` and `exp`."""

    session_id: uuid.UUID
    user_id: uuid.UUID
    jti: uuid.UUID
    expires_at: datetime


def rotate(*, presented: PresentedToken, client: ClientInfo) -> Session:
    """The session with its next refresh token current, and its user beside it, all but id, name and role deferred.

    One conditional UPDATE names the token it retires, so of any number of racers one wins. The others, and whoever lost an
    answer, present a token retired a moment ago and get the session as it is: the same successor, no second line
    (RFC 9700 §4.14.2).

    Raises SessionRevoked where the session is over, RefreshTokenRetired where the token is neither current nor in its grace,
    TokenInvalid where its claims contradict the session.
    """
    while True:
        rotated = _try_to_rotate(presented=presented, client=client)
        if rotated is not None:
            return rotated
        session = find_usable(presented)
        if session.refresh_jti != presented.jti:
            return session


def find_usable(presented: PresentedToken) -> Session:
    """Return the session whose refresh token is current or within its grace, without rotating it. Raises as `rotate`."""
    session = _live(presented.session_id)
    _require_consistent(session, presented)
    return session if session.refresh_jti == presented.jti else _excused(session, presented.jti)


def _require_consistent(session: Session, presented: PresentedToken) -> None:
    """Raise TokenInvalid if the claims contradict the session. It stays: nobody without the signing key makes such a token.

    `exp` is compared for the current token alone. A retired one may outlive its session after JWT_REFRESH_EXPIRY was lowered,
    and so may one that was minted after the snapshot that a database was restored from.
    """
    if session.user_id != presented.user_id:
        raise TokenInvalid
    if session.refresh_jti == presented.jti and session.expires_at < presented.expires_at:
        raise TokenInvalid


def _try_to_rotate(*, presented: PresentedToken, client: ClientInfo) -> Session | None:
    """None where `presented` is not the current token of a live session of an active user, or contradicts it."""
    now = datetime.now(UTC)
    issued_at = now.replace(microsecond=0)
    row = _ROTATE.fetch_first(
        **client.as_fields(),
        id=presented.session_id,
        user_id=presented.user_id,
        jti=presented.jti,
        token_expires_at=presented.expires_at,
        refresh_jti=new_id(),
        refresh_issued_at=issued_at,
        rotated_at=now,
        updated_at=now,
        last_seen_at=now,
        slides_to=issued_at + settings.JWT_REFRESH_EXPIRY,
    )
    return _with_user(row) if row is not None else None


def _live(session_id: uuid.UUID) -> Session:
    session = (
        Session.objects.active(datetime.now(UTC))
        .select_related("user")
        .filter(id=session_id, user__is_active=True)
        .first()
    )
    if session is None:
        raise SessionRevoked
    return session


def _excused(session: Session, presented: uuid.UUID) -> Session:
    """Seen from a clock that is behind, or was set back, the rotation lies ahead; that stretches the grace no further."""
    retired_at = session.rotated_at if session.previous_refresh_jti == presented else None
    if retired_at is not None and abs(datetime.now(UTC) - retired_at) < settings.REFRESH_REUSE_GRACE:
        return session
    raise RefreshTokenRetired(session_id=session.id, user_id=session.user_id)


@dataclass(frozen=True, slots=True)
class _Rotated:
    session: Session
    user: AbstractBaseUser


def _with_user(row: _Rotated) -> Session:
    row.session.user = row.user
    return row.session


def _current_session() -> SessionQuerySet:
    """Whether the user is active is asked within: see PreparedUpdate for what a join would miss."""
    owner = get_user_model().objects.filter(id=OuterRef("user_id"), is_active=True)
    live = Session.objects.active(Param("rotated_at", DateTimeField()))
    return live.filter(
        Exists(owner),
        id=_param("id"),
        user_id=_param("user_id"),
        refresh_jti=Param("jti", UUIDField()),
        expires_at__gte=Param("token_expires_at", DateTimeField()),
    )


def _changes() -> Mapping[str, Any]:
    return {name: _param(name) for name in _BOUND_COLUMNS} | {
        "previous_refresh_jti": F("refresh_jti"),
        "expires_at": Least(Param("slides_to", DateTimeField()), F("absolute_expires_at")),
    }


def _returning() -> Joined[_Rotated]:
    user_model = get_user_model()
    owner = user_model.objects.filter(id=OuterRef("user_id"))
    user = Instances(user_model, _USER_COLUMNS, lookup=lambda name: Subquery(owner.values(name)))
    return Joined(_Rotated, session=Instances(Session), user=user)


def _param(name: str) -> Param:
    return Param(name, _FIELDS[name])


_ROTATE = PreparedUpdate(_current_session, changes=_changes, returning=_returning)
