"""The forms of Django's admin about users: the same rules for names and addresses as the API's, as errors of the form."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm, UserCreationForm

from accounts.exceptions import EmailTaken, LastAdmin, UsernameTaken
from accounts.identity import email_key, username_key
from accounts.identity_validators import validate_address, validate_username
from accounts.models import Role, User


class IdentityRules(forms.ModelForm):  # type: ignore[type-arg]
    """An email or a username that somebody has in another spelling would fail only in the database."""

    def clean_email(self) -> str | None:
        email: str | None = self.cleaned_data.get("email") or None
        if email is None:
            return None
        validate_address(email)
        if self._others().filter(email_key=email_key(email)).exists():
            raise ValidationError(EmailTaken.message)
        return email

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        validate_username(username)
        if self._others().filter(username_key=username_key(username)).exists():
            raise ValidationError(UsernameTaken.message)
        return username

    def _others(self) -> Any:
        return User.objects.exclude(pk=self.instance.pk)


class UserForm(IdentityRules, UserChangeForm):  # type: ignore[misc]
    """`seen_at` says which state of the user the page shows."""

    seen_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_at"].initial = self.instance.updated_at.isoformat()

    def clean(self) -> dict[str, Any]:
        """The last active administrator stays one, and a page opened before another change does not undo that."""
        cleaned = super().clean() or {}
        if cleaned.get("seen_at") not in {None, "", self.instance.updated_at.isoformat()}:
            raise ValidationError(_("This user has changed since the page was opened. Open it again."))
        role = cleaned.get("role", self.instance.role)  # who may not change it does not send it
        stays = cleaned.get("is_active") and role == Role.ADMIN
        if not stays and is_last_admin(self.instance):
            raise ValidationError(LastAdmin.message)
        return cleaned


class NewUserForm(IdentityRules, UserCreationForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["usable_password"].help_text = _("Without one, the user is mailed an invitation to set it.")


def is_last_admin(user: User) -> bool:
    admins = User.objects.filter(role=Role.ADMIN, is_active=True)
    return admins.filter(pk=user.pk).exists() and not admins.exclude(pk=user.pk).exists()
