"""The request bodies and queries of administrators."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import CurrentPassword, NewEmail, NewPassword, QueryBoolean, StrictBoolean
from accounts.api.serializers.forms import Form, NewAccountForm, PageQuery, ProfileForm
from accounts.models import Role
from accounts.models.user import MAX_REASON_LENGTH
from accounts.services.administration.user_search import ORDERINGS
from core.api.exceptions import PermissionDenied
from core.api.fields import PlainText

_PRIVILEGES = {"isStaff", "isSuperuser", "is_staff", "is_superuser"}
_REQUIRED = _("This field is required.")


class _WithoutPrivileges(Form):
    """Reject, rather than ignore, privileges that no administrator may grant through the API (ASVS 8.2.3)."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and _PRIVILEGES & data.keys():
            raise PermissionDenied
        return dict(super().to_internal_value(data))


class NewUserForm(_WithoutPrivileges, NewAccountForm):
    password = NewPassword(required=False, help_text="If omitted, the user gets an email with a link to set one.")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    isActive = StrictBoolean(required=False, source="is_active")
    emailVerified = StrictBoolean(
        required=False, source="email_verified", help_text="Whether the email counts as verified from the start."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "email" not in attrs and "password" not in attrs:  # there is no email to send the invitation to
            raise serializers.ValidationError({"password": [_REQUIRED]})
        return attrs


class UserChanges(_WithoutPrivileges, ProfileForm):
    email = NewEmail(required=False, help_text="A new email is unverified unless `emailVerified` is true.")
    password = NewPassword(required=False, help_text="Ends all sessions of the user.")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    isActive = StrictBoolean(required=False, source="is_active")
    deactivationReason = PlainText(
        source="deactivation_reason",
        required=False,
        allow_blank=True,
        max_length=MAX_REASON_LENGTH,
        help_text="Visible to administrators only.",
    )
    emailVerified = StrictBoolean(required=False, source="email_verified")
    currentPassword = CurrentPassword(
        source="current_password",
        help_text="Your own password, required to change your own `email`, `emailVerified` or `password`, if you have one.",
    )


class UserQuery(PageQuery):
    search = PlainText(required=False, allow_blank=True, max_length=100, help_text="Email, username, names or ID.")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    emailVerified = QueryBoolean(source="email_verified")
    isActive = QueryBoolean(source="is_active")
    ordering = serializers.ChoiceField(choices=[*ORDERINGS, *(f"-{name}" for name in ORDERINGS)], default="-createdAt")
