"""The shapes of `data` in answers: documentation of `accounts.api.representation`."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import EmailKind, EmailState
from accounts.models.user import Role
from sessions_tracking.api.serializers import SessionShape
from sessions_tracking.models import RevokedReason

Shape = serializers.Serializer[dict[str, Any]]


class User(Shape):
    id = serializers.UUIDField()
    email = serializers.EmailField(allow_null=True, help_text="Null only where `EMAIL_VERIFICATION` is `none`.")
    username = serializers.CharField()
    firstName = serializers.CharField(allow_blank=True)
    lastName = serializers.CharField(allow_blank=True)
    role = serializers.ChoiceField(choices=Role.choices)
    emailVerified = serializers.BooleanField()
    createdAt = serializers.DateTimeField()


class UserProfile(User):
    language = serializers.ChoiceField(choices=settings.LANGUAGES, help_text="Of the emails.")
    mfaEnabled = serializers.BooleanField()
    updatedAt = serializers.DateTimeField()
    lastLoginAt = serializers.DateTimeField(allow_null=True)


class UserWithSessions(UserProfile):
    sessions = SessionShape(many=True)


class UserData(Shape):
    user = User()


class ProfileData(Shape):
    user = UserProfile()


class MeData(Shape):
    user = UserWithSessions()


class AdministeredUser(UserProfile):
    isActive = serializers.BooleanField()


class AdministeredData(Shape):
    user = AdministeredUser()


class UserPage(Shape):
    users = AdministeredUser(many=True)
    count = serializers.IntegerField(min_value=0, help_text="Of all pages together.")
    page = serializers.IntegerField(min_value=1)
    pageSize = serializers.IntegerField(min_value=1)


class EmailResult(Shape):
    success = serializers.BooleanField(help_text="The email is promised; it goes out in the background.")
    message = serializers.CharField()


class RegisteredData(Shape):
    user = User()
    emailResult = EmailResult()


class Tokens(Shape):
    accessToken = serializers.CharField(required=False, help_text="Absent with `X-Token-Transport: cookie`.")
    refreshToken = serializers.CharField(required=False, help_text="Absent with `X-Token-Transport: cookie`.")
    accessExpiresAt = serializers.DateTimeField()
    refreshExpiresAt = serializers.DateTimeField()


class RefreshedData(Shape):
    token = serializers.CharField(
        required=False, help_text="The access token again. Absent with `X-Token-Transport: cookie`."
    )
    tokens = Tokens()
    session = SessionShape()


class SignedInData(RefreshedData):
    user = UserProfile()


class RevokedData(Shape):
    revoked = serializers.IntegerField(min_value=0, help_text="How many sessions this call ended.")


class HeldSession(SessionShape):
    revokedAt = serializers.DateTimeField(allow_null=True)
    revokedReason = serializers.ChoiceField(choices=RevokedReason.choices, allow_blank=True)


class HeldEmail(Shape):
    kind = serializers.ChoiceField(choices=EmailKind.choices)
    address = serializers.CharField()
    state = serializers.ChoiceField(choices=EmailState.choices)
    createdAt = serializers.DateTimeField()
    sentAt = serializers.DateTimeField(allow_null=True)
    details = serializers.DictField()


class HeldData(Shape):
    user = UserProfile()
    sessions = HeldSession(many=True)
    emails = HeldEmail(many=True)
