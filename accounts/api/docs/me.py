"""Documentation of `accounts.api.views.me`."""

from dataclasses import replace

from accounts.api.docs import export, samples, shapes
from accounts.api.serializers.forms import PageQuery, PasswordForm, ProfileForm
from accounts.exceptions import LastAdmin, PasswordIncorrect, UsernameTaken
from core.openapi.operation import CLEARS_COOKIES, Operation
from sessions_tracking.api.docs import SESSION

TAG = "Account"
_EVENT = {
    "id": "01981c63-1f60-7d11-8a3c-5b7e9f012345",
    "kind": "login",
    "by": "you",
    "sessionId": SESSION["id"],
    "ip": "203.0.113.7",
    "device": "Safari 18, iPadOS 18",
    "facts": {"newDevice": False, "secondFactor": False, "sessionsEnded": 0},
    "createdAt": "2026-01-15T09:35:00.000Z",
}

ME = Operation(
    tag=TAG,
    summary="Read your account",
    data=shapes.MeData,
    answers={"You and your sessions": {"user": samples.PROFILE | {"sessions": [SESSION]}}},
)

UPDATE = Operation(
    tag=TAG,
    summary="Change your account",
    request=ProfileForm,
    requests={
        "Another name": {"firstName": "Alicia"},
        "French emails": {"language": "fr"},
        "Another username": {"username": "alicia"},
    },
    message="Your profile is saved.",
    data=shapes.ProfileData,
    answers={"You, changed": {"user": samples.PROFILE | {"firstName": "Alicia"}}},
    errors=[UsernameTaken(errors={"username": [UsernameTaken.message]})],
)

DELETE = Operation(
    tag=TAG,
    summary="Delete your account",
    request=PasswordForm,
    requests={"Your password": {"password": samples.PASSWORD}},
    message="Your account has been deleted.",
    headers=CLEARS_COOKIES,
    errors=[PasswordIncorrect(field="password"), LastAdmin],
    is_limited=True,
)

EXPORT = Operation(
    tag=TAG,
    summary="Take your data along",
    is_limited=True,
    data=export.HeldData,
    answers={
        "Everything": {
            "user": samples.PROFILE,
            "secondFactor": {"enabledAt": None, "recoveryCodesLeft": 0},
            "sessions": [SESSION | {"revokedAt": None, "revokedReason": ""}],
            "emails": [
                {
                    "kind": "welcome",
                    "address": samples.EMAIL,
                    "state": "sent",
                    "createdAt": "2026-01-15T09:32:10.000Z",
                    "sentAt": "2026-01-15T09:32:11.000Z",
                    "details": {},
                }
            ],
            "emailChanges": [],
            "activity": [_EVENT],
        }
    },
)

ACTIVITY = Operation(
    tag=TAG,
    summary="Read what happened to your account",
    name="read_activity",
    query=PageQuery,
    data=export.EventPage,
    answers={"One sign-in": {"events": [_EVENT], "count": 1, "page": 1, "pageSize": 20}},
)

PROFILE = replace(ME, summary="Read your account, as /me")
UPDATE_PROFILE = replace(UPDATE, summary="Change your account, as /me")
DELETE_PROFILE = replace(DELETE, summary="Delete your account, as /me")
