"""The samples in the documentation: one user and one sign-in, built by the presenters of the real responses."""

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.api.presenters.export import email_data, event_data
from accounts.api.presenters.users import administered_user, user_profile, user_summary
from accounts.models import AuditEvent, OutboxEmail, User
from accounts.registries import EXPORT_SECTIONS, SECOND_FACTORS
from sessions_tracking.api.docs import SESSION

PASSWORD = "Correct-Horse-7"
EMAIL, USERNAME = "alice@example.com", "alice"
ACCESS_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl"
REFRESH_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"
MAILED_TOKEN = "o3kZ6m0Yc1T8s5vQbX2nLr9dEw7uHj4a"


def _at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-15T{time}Z")


_ALICE = User(
    id=UUID("01981c5e-6b3a-7c41-9d58-2f0a4e6b7c8d"),
    email=EMAIL,
    username=USERNAME,
    first_name="Alice",
    last_name="Martin",
    email_verified_at=_at("09:32:10"),
    created_at=_at("09:30:00"),
    updated_at=_at("09:32:10"),
    last_login=_at("09:35:00"),
)
_LOGIN = AuditEvent(
    id=UUID("01981c63-1f60-7d11-8a3c-5b7e9f012345"),
    kind="login",
    user_id=_ALICE.id,
    actor_id=_ALICE.id,
    session_id=UUID(SESSION["id"]),
    ip="203.0.113.7",
    device="Safari 18, iPadOS 18",
    facts={"newDevice": False, "amr": "pwd", "sessionsEnded": 0},
    created_at=_at("09:35:00"),
)
_WELCOME = OutboxEmail(
    kind="welcome", recipient=EMAIL, state="sent", created_at=_at("09:32:10"), sent_at=_at("09:32:11")
)

USER = user_summary(_ALICE)
PROFILE = user_profile(_ALICE)
ADMINISTERED = administered_user(_ALICE)
EVENT = event_data(_LOGIN)
EXPORT: dict[str, Any] = {
    "user": PROFILE,
    **{section.name: section.sample for section in EXPORT_SECTIONS},
    "sessions": [SESSION | {"revokedAt": None, "revokedReason": ""}],
    "emails": [email_data(_WELCOME)],
    "emailChanges": [],
    "activity": [EVENT],
}
_TIMES = {"accessExpiresAt": "2026-01-15T09:50:00.000Z", "refreshExpiresAt": "2026-01-22T09:35:00.000Z"}
_REFRESHED: dict[str, Any] = {
    "token": ACCESS_TOKEN,
    "tokens": {"accessToken": ACCESS_TOKEN, "refreshToken": REFRESH_TOKEN} | _TIMES,
    "session": SESSION,
}
_REFRESHED_BY_COOKIE: dict[str, Any] = {"tokens": _TIMES, "session": SESSION}
REFRESHED = {"Tokens in the body": _REFRESHED, "Tokens in cookies alone": _REFRESHED_BY_COOKIE}
SIGNED_IN = {title: {"user": PROFILE} | data for title, data in REFRESHED.items()}
SECOND_FACTOR_WANTED: dict[str, Any] = {
    "With a second factor": {
        "mfaRequired": True,
        "mfaToken": MAILED_TOKEN,
        "methods": [factor.name for factor in SECOND_FACTORS],
        "expiresAt": "2026-01-15T09:40:00.000Z",
    }
}
