"""The shapes of `data` in responses. Those of a user are declared in `accounts.api.presenters`."""

from rest_framework import serializers

from accounts.api.presenters.export import Event
from accounts.api.presenters.pages import PageShape
from accounts.api.presenters.users import AdministeredUser, UserProfile, UserSummary, UserWithSessions
from accounts.registries import SECOND_FACTORS
from core.api.shapes import Shape
from sessions_tracking.api.serializers import SessionShape


class UserData(Shape):
    user = UserSummary()


class ProfileData(Shape):
    user = UserProfile()


class MeData(Shape):
    user = UserWithSessions()


class AdministeredData(Shape):
    user = AdministeredUser()


class UserPage(PageShape):
    users = AdministeredUser(many=True)


class EventPage(PageShape):
    events = Event(many=True)


class EmailResult(Shape):
    success = serializers.BooleanField(help_text="The email is queued and sent in the background.")
    message = serializers.CharField()


class RegisteredData(Shape):
    user = UserSummary()
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


class SteppedUpData(Shape):
    session = SessionShape()
    token = serializers.CharField(
        required=False, help_text="A new access token. Absent with `X-Token-Transport: cookie`."
    )
    accessExpiresAt = serializers.DateTimeField()


class PendingData(Shape):
    mfaRequired = serializers.BooleanField(help_text="Always true: there is no session yet.")
    mfaToken = serializers.CharField(help_text="Only for `/mfa/verify` and `/logout`.")
    methods = serializers.ListField(child=serializers.ChoiceField(choices=[factor.name for factor in SECOND_FACTORS]))
    expiresAt = serializers.DateTimeField()


class RevokedData(Shape):
    revoked = serializers.IntegerField(min_value=0, help_text="The number of sessions that this call ended.")
