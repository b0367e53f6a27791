"""Rotates refresh tokens with one statement that retires the presented token and makes the next one current."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
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
    """The claims `sid`, `sub`, `jti` and `exp` of a refresh token whose signature was verified."""

    session_id: uuid.UUID
    user_id: uuid.UUID
    jti: uuid.UUID
    expires_at: datetime


def rotate(*, presented: PresentedToken, client: ClientInfo) -> Session:
    """Return the session with its next refresh token, and its user with only id, username and role loaded.

    The UPDATE is conditional on the token that it retires, so one of any number of concurrent calls wins. The others, and a
    client that lost the response, present a token in its grace period and get the session as it is: the same successor,
    never a second token family (RFC 9700 §4.14.2).

    Raises SessionRevoked if the session is revoked or expired, RefreshTokenRetired if the token is neither current nor in
    its grace period, TokenInvalid if its claims contradict the session.
    """
    while True:
        rotated = _try_to_rotate(presented=presented, client=client)
        if rotated is not None:
            return rotated
        session = get_session(presented)
        if session.refresh_jti != presented.jti:
            return session


def get_session(presented: PresentedToken) -> Session:
    """Return the session of a refresh token that is current or in its grace period, without rotating it. Raises as `rotate`."""
    session = _active_session(presented.session_id)
    _require_consistent(session, presented)
    return session if session.refresh_jti == presented.jti else _require_grace(session, presented.jti)


def _require_consistent(session: Session, presented: PresentedToken) -> None:
    """Raise TokenInvalid if the claims contradict the session. The session stays active: this is no sign of theft.

    `exp` is compared for the current token only. A retired token may outlive its session after JWT_REFRESH_EXPIRY was
    lowered, and so may a token minted after the snapshot from which the database was restored.
    """
    if session.user_id != presented.user_id:
        raise TokenInvalid
    if session.refresh_jti == presented.jti and session.expires_at < presented.expires_at:
        raise TokenInvalid


def _try_to_rotate(*, presented: PresentedToken, client: ClientInfo) -> Session | None:
    """Return None if `presented` is not the current token of an active user's active session, or contradicts it."""
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


def _active_session(session_id: uuid.UUID) -> Session:
    session = (
        Session.objects.active(datetime.now(UTC))
        .select_related("user")
        .filter(id=session_id, user__is_active=True)
        .first()
    )
    if session is None:
        raise SessionRevoked
    return session


def _require_grace(session: Session, presented: uuid.UUID) -> Session:
    """Return the session if the token is in its grace period. `abs`: a clock that is behind sees the rotation in the future."""
    retired_at = session.rotated_at if session.previous_refresh_jti == presented else None
    if retired_at is not None and abs(datetime.now(UTC) - retired_at) < settings.REFRESH_REUSE_GRACE:
        return session
    raise RefreshTokenRetired(session_id=session.id, user_id=session.user_id)


@dataclass(frozen=True, slots=True)
class _Rotated:
    session: Session
    user: Any


def _with_user(row: _Rotated) -> Session:
    row.session.user = row.user
    return row.session


def _current_session() -> SessionQuerySet:
    """Select the row to rotate. A subquery checks the user, because a join would miss concurrent changes; see PreparedUpdate."""
    owner = get_user_model().objects.filter(id=OuterRef("user_id"), is_active=True)
    active = Session.objects.active(Param("rotated_at", DateTimeField()))
    return active.filter(
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
