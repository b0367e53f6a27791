"""The admin's forms of a user: the API's rules for names and emails, and the columns that a form writes."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm, UserCreationForm

from accounts.exceptions import EmailTaken, LastAdmin, UsernameTaken
from accounts.identity import email_key, username_key
from accounts.identity_validators import validate_email, validate_username
from accounts.models import User
from accounts.models.user_fields import ADMIN_FORM_FIELDS, PROFILE_FIELDS, identity_keys
from accounts.services.administration import policy, users

# Their change needs no recent proof. Every other field of the form is about credentials, privileges or access.
HARMLESS_FIELDS = frozenset({*PROFILE_FIELDS, "deactivation_reason", "version"})


class IdentityRules(forms.ModelForm):  # type: ignore[type-arg]
    """Report an email or username that another account has in another spelling; only the database would, otherwise."""

    def clean_email(self) -> str | None:
        email: str | None = self.cleaned_data.get("email") or None
        if email is None:
            return None
        validate_email(email)
        if self._other_users().filter(email_key=email_key(email)).exists():
            raise ValidationError(EmailTaken.message)
        return email

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        validate_username(username)
        if self._other_users().filter(username_key=username_key(username)).exists():
            raise ValidationError(UsernameTaken.message)
        return username

    def _other_users(self) -> Any:
        return User.objects.exclude(pk=self.instance.pk)


class UserForm(IdentityRules, UserChangeForm):  # type: ignore[misc]
    """`version` identifies the state of the user that the page shows."""

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = self.instance.updated_at.isoformat()

    def clean(self) -> dict[str, Any]:
        """Reject a stale page, which would undo another change, and the loss of the last active administrator."""
        cleaned = super().clean() or {}
        if cleaned.get("version") not in {None, "", self.instance.updated_at.isoformat()}:
            raise ValidationError(_("This user was changed after you opened the page. Reload it and try again."))
        role = cleaned.get("role", self.instance.role)  # the field is read-only for non-superusers, and not sent
        is_demotion = policy.is_demotion({"role": role, "is_active": cleaned.get("is_active")})
        if is_demotion and policy.is_last_admin(self.instance):
            raise ValidationError(LastAdmin.message)
        return cleaned


class NewUserForm(IdentityRules, UserCreationForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["usable_password"].help_text = _("If disabled, the user gets an email with a link to set one.")


def column_values(before: User, edited: User) -> dict[str, Any]:
    """Return the values of the form's columns, and of the columns that follow from them."""
    reason = None if edited.is_active else edited.deactivation_reason
    values: dict[str, Any] = {name: getattr(edited, name) for name in ADMIN_FORM_FIELDS}
    values |= identity_keys(values) | {"updated_at": datetime.now(UTC)}
    return values | users.activity_columns(before, is_active=edited.is_active, reason=reason)
