"""The two steps of a sign-in to Django's admin: the password, then the second factor of those who have one."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import BASE_INPUT_CLASSES

from accounts import audit
from accounts.admin_site.backend import address_of
from accounts.exceptions import InvalidCredentials, MfaRequired
from accounts.identity_validators import LONGEST_EMAIL
from accounts.mfa.flows import challenges, login
from accounts.mfa.flows.login import Proof
from accounts.models import AuditKind, LoginSurface, PendingLogin, User
from accounts.passwords.validators import LONGEST, PasswordLengthValidator
from accounts.services import credential_check
from accounts.services.credential_check import Credentials
from accounts.verification import pasted_text
from core.api.exceptions import ApiError, Unauthorized
from sessions_tracking.client_info import read_client_info


class AdminLoginForm(AdminAuthenticationForm):
    """`pending_token` is set while the second factor is asked for, `refusal` where something was refused."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        validators=[PasswordLengthValidator(LONGEST)],
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    mfa_token = forms.CharField(required=False, max_length=512, widget=forms.HiddenInput)
    code = forms.CharField(label=_("Code of your authenticator app, or a recovery code"), required=False, max_length=64)
    request: HttpRequest
    pending_token: str | None = None
    refusal: ApiError | None = None
    proved_second_factor = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request.admin_login_form = self  # type: ignore[attr-defined]  # for the site, which makes the answer
        self.fields["username"].label = _("Username or email")
        self.fields["username"].widget.attrs["maxlength"] = LONGEST_EMAIL
        for name in ("username", "password", "code"):
            self.fields[name].widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
        is_second_step = bool(self.data.get("mfa_token"))
        self.fields["username"].required = self.fields["password"].required = not is_second_step
        self.fields["code"].required = is_second_step

    def clean(self) -> dict[str, Any]:
        token = self.cleaned_data.get("mfa_token")
        self.pending_token = token or None
        if self.errors:
            return self.cleaned_data
        try:
            self.user_cache = self._finish(token) if token else self._begin()
        except ApiError as error:
            self.refusal = error
            if isinstance(error, Unauthorized):
                self.pending_token = None  # it has ended: the password again
            raise ValidationError(str(error.message)) from error
        return self.cleaned_data

    def _begin(self) -> User:
        """Who may not use the admin learns from it as little as who does not know the password."""
        typed = Credentials.from_identifier(self.cleaned_data["username"], self.cleaned_data["password"])
        user = credential_check.authenticate(typed, address=address_of(self.request))
        if not user.is_staff:
            raise _refused(user, "not_staff", InvalidCredentials())
        if user.mfa_enabled:
            self.pending_token = challenges.begin(user=user, door=LoginSurface.ADMIN).token
            raise ValidationError(_("Enter a code of your authenticator app, or a recovery code."))
        if settings.REQUIRE_ADMIN_MFA:
            raise _refused(user, "mfa_required", MfaRequired())
        with transaction.atomic():
            return self._let_in(user)

    def _finish(self, token: str) -> User:
        proof = _proof(self.cleaned_data["code"])
        self.proved_second_factor = True
        return login.settle(
            token=token,
            door=LoginSurface.ADMIN,
            proof=proof,
            client=read_client_info(self.request),
            then=self._let_in_after,
        )

    def _let_in_after(self, challenge: PendingLogin) -> User:
        return self._let_in(challenge.user)

    def _let_in(self, user: User) -> User:
        facts: dict[str, str | int | bool] = {"door": "admin", "secondFactor": self.proved_second_factor}
        audit.record(AuditKind.LOGIN, user_id=user.id, actor_id=user.id, facts=facts)
        return user


def _proof(typed: str) -> Proof:
    """Text that can be neither code is refused, and not counted as an attempt."""
    code, recovery_code = pasted_text.one_time_code(typed), pasted_text.recovery_code(typed)
    if code is None and recovery_code is None:
        raise ValidationError(_("Enter a code of your authenticator app, or a recovery code."))
    return Proof(code=code) if code is not None else Proof(recovery_code=recovery_code)


def _refused(user: User, reason: str, error: ApiError) -> ApiError:
    """The password was right: whoever gave it is worth a row all the more."""
    audit.record(AuditKind.LOGIN_FAILED, user_id=user.id, facts={"reason": reason, "door": "admin"})
    return error
