"""Users in responses. A field is declared once, in its shape, for the response, the OpenAPI document and its samples."""

import uuid
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import Role
from accounts.services.profile import Account
from core.api.shapes import Shape, presenter
from sessions_tracking.api.presenters import session_data
from sessions_tracking.api.serializers import SessionShape


class UserSummary(Shape):
    id = serializers.UUIDField()
    email = serializers.EmailField(allow_null=True, help_text="Null only if `EMAIL_VERIFICATION` is `none`.")
    username = serializers.CharField()
    firstName = serializers.CharField(source="first_name", allow_blank=True)
    lastName = serializers.CharField(source="last_name", allow_blank=True)
    role = serializers.ChoiceField(choices=Role.choices)
    emailVerified = serializers.BooleanField(source="email_verified")
    createdAt = serializers.DateTimeField(source="created_at")


class UserProfile(UserSummary):
    language = serializers.ChoiceField(choices=settings.LANGUAGES, help_text="The language of emails.")
    kind = serializers.ChoiceField(choices=["user"], help_text="More kinds may follow.")
    hasPassword = serializers.BooleanField(
        source="has_password",
        help_text="Whether the user can sign in with a password, and has to confirm changes by it.",
    )
    mfaEnabled = serializers.BooleanField(
        source="mfa_enabled", help_text="Whether the user has a second factor: an authenticator app or a passkey."
    )
    recoveryCodesLeft = serializers.IntegerField(source="unused_recovery_codes", min_value=0)
    loginCodes = serializers.BooleanField(
        source="login_codes", help_text="Whether an emailed code can sign the user in."
    )
    updatedAt = serializers.DateTimeField(source="updated_at")
    lastLoginAt = serializers.DateTimeField(source="last_login", allow_null=True)


class AdministeredUser(UserProfile):
    isActive = serializers.BooleanField(source="is_active")
    deactivatedAt = serializers.DateTimeField(source="deactivated_at", allow_null=True)
    deactivationReason = serializers.CharField(
        source="deactivation_reason",
        allow_blank=True,
        help_text="Visible to administrators only; cleared by a reactivation.",
    )


class UserWithSessions(UserProfile):
    sessions = SessionShape(many=True)


user_summary = presenter(UserSummary)
user_profile = presenter(UserProfile)
administered_user = presenter(AdministeredUser)


def account_data(account: Account, *, current: uuid.UUID) -> dict[str, Any]:
    """Return the data of `GET /me`; `current` is the id of the caller's own session."""
    rows = [session_data(session, current=current) for session in account.sessions]
    return {"user": user_profile(account.user) | {"sessions": rows}}
