"""The admin's page to change the own password, with the rules, rate limits and emails of the API."""

from typing import Any

from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from unfold.widgets import BASE_INPUT_CLASSES

from accounts.models import User
from accounts.passwords.validators import MAX_PASSWORD_LENGTH, PasswordLengthValidator
from accounts.services import passwords
from core.api.exceptions import ApiError
from sessions_tracking.client_info import ClientInfo, read_client_info

_FIELDS = {"currentPassword": "old_password", "newPassword": "new_password2"}


class OwnPasswordForm(PasswordChangeForm):
    """`api_error` is set if the service raised one."""

    api_error: ApiError | None = None

    def __init__(self, *args: Any, client: ClientInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client
        for field in self.fields.values():
            field.validators.append(PasswordLengthValidator(MAX_PASSWORD_LENGTH))
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def clean_old_password(self) -> str:
        """Leave the check to the service, which counts wrong passwords."""
        return str(self.cleaned_data["old_password"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self._change()
        return cleaned

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - Django's signature
        """Reload the hash, to which the view binds its session; the service has saved the password."""
        self.user.refresh_from_db(fields=["password"])
        return self.user

    def _change(self) -> None:
        try:
            passwords.change(
                user_id=self.user.pk,
                principal=None,
                current_password=self.cleaned_data["old_password"],
                new_password=self.cleaned_data["new_password1"],
                client=self.client,
            )
        except ApiError as error:
            self.api_error = error
            for name, messages in (error.errors or {"currentPassword": [error.message]}).items():
                for message in messages:
                    self.add_error(_FIELDS[name], str(message))


class OwnPasswordView(PasswordChangeView):
    form_class = OwnPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"client": read_client_info(self.request)}

    def form_invalid(self, form: Any) -> Any:
        response = super().form_invalid(form)
        if form.api_error is not None:
            set_retry_after(response, form.api_error)
        return response


def set_retry_after(response: Any, error: ApiError) -> None:
    """Copy the status and Retry-After of a temporary error, such as a rate limit, to the response."""
    if "Retry-After" in error.headers:
        response.status_code = error.status
        response["Retry-After"] = error.headers["Retry-After"]
