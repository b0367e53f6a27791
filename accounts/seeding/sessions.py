"""Made-up sessions: of the last month, some in use, some ended by whatever ends sessions."""

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from accounts.seeding import sample_data
from accounts.seeding.seeded_random import Chance
from sessions_tracking.models import RevokedReason, Session

_ENDED = 0.35
_FORGOTTEN = 0.05
_HOW = (RevokedReason.LOGOUT,) * 6 + (
    RevokedReason.LOGOUT_ALL,
    RevokedReason.SESSION_DELETED,
    RevokedReason.PASSWORD_CHANGED,
    RevokedReason.REFRESH_REUSED,
)


class SessionMaker:
    def __init__(self, chance: Chance, *, at: datetime) -> None:
        self._chance, self._at = chance, at
        self._clients = sample_data.clients()
        self._reach = min(settings.SESSION_MAX_AGE, timedelta(days=28))

    def session_of(self, user: User) -> Session:
        """Unsaved. Whoever is deactivated has none that is active, nor has an address that was never proven."""
        chance, until = self._chance, user.deactivated_at or self._at
        client = chance.one_of(self._clients)
        since = max(user.created_at, until - self._reach)
        is_forgotten = chance.is_so(_FORGOTTEN)
        fresh = since if is_forgotten else max(since, until - settings.JWT_REFRESH_EXPIRY * 0.9)
        refreshed_at = chance.between(fresh, until)
        created_at = chance.between(since, refreshed_at)
        issued_at = refreshed_at.replace(microsecond=0)
        absolute = created_at.replace(microsecond=0) + settings.SESSION_MAX_AGE
        session = Session(
            id=chance.id_of(created_at),
            user_id=user.id,
            name=client.name,
            ip=chance.one_of(sample_data.NETWORKS).format(1 + chance.number(254)),
            user_agent=client.info.user_agent,
            device=client.info.device,
            browser=client.info.browser,
            os=client.info.os,
            platform=client.info.platform,
            location=chance.one_of(sample_data.PLACES),
            created_at=created_at,
            updated_at=refreshed_at,
            last_seen_at=refreshed_at,
            expires_at=min(issued_at + settings.JWT_REFRESH_EXPIRY, absolute),
            absolute_expires_at=absolute,
            refresh_jti=chance.id_of(refreshed_at),
            refresh_issued_at=issued_at,
            previous_refresh_jti=chance.id_of(created_at) if refreshed_at > created_at else None,
            rotated_at=refreshed_at if refreshed_at > created_at else None,
        )
        if user.deactivated_at is not None:
            _end(session, RevokedReason.ACCOUNT_DEACTIVATED, user.deactivated_at)
        elif not user.email_verified or chance.is_so(_ENDED):
            reason = chance.one_of(_HOW) if user.email_verified else RevokedReason.ADMIN
            _end(session, reason, chance.between(refreshed_at, max(refreshed_at, min(session.expires_at, until))))
        return session


def _end(session: Session, reason: RevokedReason, moment: datetime) -> None:
    session.revoked_at, session.revoked_reason, session.updated_at = moment, reason, moment
