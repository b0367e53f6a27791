"""The shapes of `data` in answers: documentation of `accounts.api.presenters.users`."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models.user import Role
from sessions_tracking.api.serializers import SessionShape

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
    deactivatedAt = serializers.DateTimeField(allow_null=True)
    deactivationReason = serializers.CharField(
        allow_blank=True, help_text="For administrators alone; gone with the reactivation."
    )


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


class PendingData(Shape):
    mfaRequired = serializers.BooleanField(help_text="Always true: there is no session yet.")
    mfaToken = serializers.CharField(help_text="For `/mfa/verify` (or `/logout`) and nothing else.")
    methods = serializers.ListField(child=serializers.ChoiceField(choices=["totp", "recovery_code"]))
    expiresAt = serializers.DateTimeField()


class TotpData(Shape):
    secret = serializers.CharField(help_text="In base32, for an app that takes it typed in. Shown this once.")
    otpauthUri = serializers.CharField(help_text="For an app on the same device.")
    qrSvg = serializers.CharField(help_text="The same as a picture, to set into a page as it is.")


class RecoveryCodesData(Shape):
    recoveryCodes = serializers.ListField(child=serializers.CharField(), min_length=10, max_length=10)


class RevokedData(Shape):
    revoked = serializers.IntegerField(min_value=0, help_text="How many sessions this call ended.")
