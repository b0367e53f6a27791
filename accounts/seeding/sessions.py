"""Generates sessions of the last month: active, expired and ended for different reasons."""

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from accounts.seeding import sample_data
from accounts.seeding.seeded_random import SeededRandom
from sessions_tracking.models import RevokedReason, Session

_ENDED_PROBABILITY = 0.35
_EXPIRED_PROBABILITY = 0.05
_END_REASONS = (RevokedReason.LOGOUT,) * 6 + (
    RevokedReason.LOGOUT_ALL,
    RevokedReason.SESSION_DELETED,
    RevokedReason.PASSWORD_CHANGED,
    RevokedReason.REFRESH_REUSED,
)


class SessionFactory:
    def __init__(self, rng: SeededRandom, *, at: datetime) -> None:
        self._rng, self._at = rng, at
        self._clients = sample_data.clients()
        self._max_age = min(settings.SESSION_MAX_AGE, timedelta(days=28))

    def build(self, user: User) -> Session:
        """Return an unsaved session. Deactivated and unverified users get no active one."""
        rng, until = self._rng, user.deactivated_at or self._at
        client = rng.choice(self._clients)
        since = max(user.created_at, until - self._max_age)
        is_expired = rng.chance(_EXPIRED_PROBABILITY)
        earliest_refresh = since if is_expired else max(since, until - settings.JWT_REFRESH_EXPIRY * 0.9)
        refreshed_at = rng.between(earliest_refresh, until)
        created_at = rng.between(since, refreshed_at)
        issued_at = refreshed_at.replace(microsecond=0)
        absolute = created_at.replace(microsecond=0) + settings.SESSION_MAX_AGE
        session = Session(
            id=rng.uuid7(created_at),
            user_id=user.id,
            name=client.name,
            ip=rng.choice(sample_data.NETWORKS).format(1 + rng.integer(254)),
            user_agent=client.info.user_agent,
            device=client.info.device,
            browser=client.info.browser,
            os=client.info.os,
            platform=client.info.platform,
            location=rng.choice(sample_data.LOCATIONS),
            authenticated_at=created_at.replace(microsecond=0),
            created_at=created_at,
            updated_at=refreshed_at,
            last_seen_at=refreshed_at,
            expires_at=min(issued_at + settings.JWT_REFRESH_EXPIRY, absolute),
            absolute_expires_at=absolute,
            refresh_jti=rng.uuid7(refreshed_at),
            refresh_issued_at=issued_at,
            previous_refresh_jti=rng.uuid7(created_at) if refreshed_at > created_at else None,
            rotated_at=refreshed_at if refreshed_at > created_at else None,
        )
        if user.deactivated_at is not None:
            _end(session, RevokedReason.ACCOUNT_DEACTIVATED, user.deactivated_at)
        elif not user.email_verified or rng.chance(_ENDED_PROBABILITY):
            reason = rng.choice(_END_REASONS) if user.email_verified else RevokedReason.ADMIN
            _end(session, reason, rng.between(refreshed_at, max(refreshed_at, min(session.expires_at, until))))
        return session


def _end(session: Session, reason: RevokedReason, timestamp: datetime) -> None:
    session.revoked_at, session.revoked_reason, session.updated_at = timestamp, reason, timestamp
