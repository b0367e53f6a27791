"""The shapes of what is on record about somebody: documentation of `accounts.api.presenters.export`."""

from rest_framework import serializers

from accounts.api.docs.shapes import Shape, UserProfile
from accounts.models import AuditKind, EmailKind, EmailState
from sessions_tracking.api.serializers import SessionShape
from sessions_tracking.models import RevokedReason


class Event(Shape):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=AuditKind.choices)
    by = serializers.ChoiceField(
        choices=["you", "administrator", "service", "unknown", "system"],
        help_text="`unknown` has not shown who they are: a failed sign-in, a stolen token.",
    )
    sessionId = serializers.UUIDField(allow_null=True, help_text="The session concerned, where one is known.")
    ip = serializers.CharField(allow_null=True, help_text="Null too where an administrator did it.")
    device = serializers.CharField(allow_blank=True)
    facts = serializers.DictField(help_text="What else is known, by the kind of event: short plain values.")
    createdAt = serializers.DateTimeField()


class EventPage(Shape):
    events = Event(many=True)
    count = serializers.IntegerField(min_value=0, help_text="Of all pages together.")
    page = serializers.IntegerField(min_value=1)
    pageSize = serializers.IntegerField(min_value=1)


class SecondFactor(Shape):
    enabledAt = serializers.DateTimeField(allow_null=True, help_text="Null where there is none.")
    recoveryCodesLeft = serializers.IntegerField(min_value=0)


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


class HeldEmailChange(Shape):
    oldEmail = serializers.CharField(allow_null=True)
    newEmail = serializers.CharField()
    requestedAt = serializers.DateTimeField()
    confirmedAt = serializers.DateTimeField(allow_null=True)
    undoneAt = serializers.DateTimeField(allow_null=True)


class HeldData(Shape):
    user = UserProfile()
    secondFactor = SecondFactor()
    sessions = HeldSession(many=True)
    emails = HeldEmail(many=True)
    emailChanges = HeldEmailChange(many=True)
    activity = Event(many=True)
