"""What the samples show: one person, one sign-in."""

from typing import Any

from sessions_tracking.api.docs import SESSION

PASSWORD = "Correct-Horse-7"
EMAIL, USERNAME = "alice@example.com", "alice"
ACCESS_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl"
REFRESH_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"
MAILED_TOKEN = "o3kZ6m0Yc1T8s5vQbX2nLr9dEw7uHj4a"

USER: dict[str, Any] = {
    "id": "01981c5e-6b3a-7c41-9d58-2f0a4e6b7c8d",
    "email": EMAIL,
    "username": USERNAME,
    "firstName": "Alice",
    "lastName": "Martin",
    "role": "USER",
    "emailVerified": True,
    "createdAt": "2026-01-15T09:30:00.000Z",
}
PROFILE = USER | {
    "language": "en",
    "mfaEnabled": False,
    "updatedAt": "2026-01-15T09:32:10.000Z",
    "lastLoginAt": "2026-01-15T09:35:00.000Z",
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
        "methods": ["totp", "recovery_code"],
        "expiresAt": "2026-01-15T09:40:00.000Z",
    }
}
