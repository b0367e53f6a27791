"""What administrators send about users."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import Language, NewEmail, NewPassword, Password, PersonName, Username
from accounts.api.serializers.forms import Form, RegisterForm
from accounts.api.serializers.pages import PageQuery
from accounts.models import Role
from accounts.models.user import LONGEST_REASON
from accounts.services.administration.user_search import ORDERINGS
from core.api.exceptions import PermissionDenied
from core.api.fields import PlainText

_NEVER_SETTABLE = {"isStaff", "isSuperuser", "is_staff", "is_superuser"}
_YES_OR_NO = {"true": True, "false": False}
_REQUIRED = _("This field is required.")


class TrueOrFalse(serializers.BooleanField):
    """REST framework's field takes "yes" and 1 for true; JSON has a word of its own for it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class _Rights(Form):
    """Refuses, rather than ignores, what no administrator may give (ASVS 8.2.3)."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and _NEVER_SETTABLE & data.keys():
            raise PermissionDenied
        return dict(super().to_internal_value(data))


class NewUserForm(_Rights, RegisterForm):
    password = NewPassword(required=False, help_text="Left out, the user is mailed an invitation to set one.")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    isActive = TrueOrFalse(required=False)
    emailVerified = TrueOrFalse(required=False, help_text="Whether the address counts as proven from the start.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "email" not in attrs and "password" not in attrs:  # nowhere to send the invitation to
            raise serializers.ValidationError({"password": [_REQUIRED]})
        return attrs


class UserChanges(_Rights):
    email = NewEmail(required=False, help_text="A new address is not verified, unless `emailVerified` says so.")
    username = Username(required=False)
    password = NewPassword(required=False, help_text="Ends all sessions of the user.")
    firstName = PersonName()
    lastName = PersonName()
    language = Language()
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    isActive = TrueOrFalse(required=False)
    deactivationReason = PlainText(
        required=False, allow_blank=True, max_length=LONGEST_REASON, help_text="Shown to administrators alone."
    )
    emailVerified = TrueOrFalse(required=False)
    currentPassword = Password(
        required=False, help_text="Yours: needed to change your own `email`, `emailVerified` or `password`."
    )


class _YesOrNo(serializers.ChoiceField):
    """A boolean of a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(_YES_OR_NO), required=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return _YES_OR_NO[super().to_internal_value(data)]


class UserQuery(PageQuery):
    search = PlainText(required=False, allow_blank=True, max_length=100, help_text="Email, username, names or id.")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    emailVerified = _YesOrNo()
    isActive = _YesOrNo()
    ordering = serializers.ChoiceField(choices=[*ORDERINGS, *(f"-{name}" for name in ORDERINGS)], default="-createdAt")
