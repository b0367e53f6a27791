"""The login form of the admin: first the password, then the second factor if the user has one."""

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
from accounts.admin_site.backend import client_ip
from accounts.admin_site.factor_prompts import Prompt, get_prompts
from accounts.exceptions import InvalidCredentials, MfaRequired
from accounts.identity_validators import MAX_EMAIL_LENGTH
from accounts.models import AuditKind, LoginSurface, PendingLogin, User
from accounts.passwords.validators import MAX_PASSWORD_LENGTH, PasswordLengthValidator
from accounts.registries import SECOND_FACTORS, Ceremony, FactorAttempt
from accounts.services import credential_check, pending_logins
from accounts.services.credential_check import Credentials
from accounts.services.pending_logins import FactorResponse
from core.api.exceptions import ApiError, TokenExpired, TokenInvalid
from sessions_tracking.client_info import read_client_info

MAX_RESPONSE_LENGTH = 8_192  # a passkey's response, which a script writes into the field for codes


class AdminLoginForm(AdminAuthenticationForm):
    """`pending_token` is set during the second step, and `api_error` if the service raised one."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        validators=[PasswordLengthValidator(MAX_PASSWORD_LENGTH)],
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    mfa_token = forms.CharField(required=False, max_length=512, widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Code from your authenticator app, or a recovery code"), required=False, max_length=MAX_RESPONSE_LENGTH
    )
    request: HttpRequest
    pending_token: str | None = None
    api_error: ApiError | None = None
    used_second_factor = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request.admin_login_form = self  # type: ignore[attr-defined]  # for MfaAdminSite.login
        self.fields["username"].label = _("Username or email")
        self.fields["username"].widget.attrs["maxlength"] = MAX_EMAIL_LENGTH
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
            self.user_cache = self._verify_second_factor(token) if token else self._check_password()
        except ApiError as error:
            self.api_error = error
            if isinstance(error, TokenInvalid | TokenExpired | InvalidCredentials):
                self.pending_token = None  # the pending login has ended: start again with the password
            raise ValidationError(str(error.message)) from error
        return self.cleaned_data

    def prompts(self) -> list[Prompt]:
        """Return the prompts of the second step, for the template."""
        try:
            pending = pending_logins.get(token=self.pending_token or "", surface=LoginSurface.ADMIN)
        except ApiError:
            return []
        attempt = FactorAttempt(
            user=pending.user,
            value=None,
            client=read_client_info(self.request),
            ceremony=Ceremony.SIGN_IN,
            binding=pending.id,
            proven_amr=tuple(pending.amr.split()),
        )
        return get_prompts(attempt)

    def _check_password(self) -> User:
        """Give users without access to the admin the same error as for a wrong password."""
        credentials = Credentials.from_identifier(self.cleaned_data["username"], self.cleaned_data["password"])
        user = credential_check.authenticate(credentials, ip=client_ip(self.request))
        if not user.is_staff:
            raise _recorded(InvalidCredentials(), user, "not_staff")
        if user.mfa_enabled:
            self.pending_token = pending_logins.begin(user=user, surface=LoginSurface.ADMIN).token
            raise ValidationError(_("Enter a code from your authenticator app, or a recovery code."))
        if settings.REQUIRE_ADMIN_MFA:
            raise _recorded(MfaRequired(), user, "mfa_required")
        with transaction.atomic():
            return self._record_login(user)

    def _verify_second_factor(self, token: str) -> User:
        response = parse_response(self.cleaned_data["code"])
        self.used_second_factor = True
        return pending_logins.complete(
            token=token,
            surface=LoginSurface.ADMIN,
            response=response,
            client=read_client_info(self.request),
            then=self._record_pending_login,
        )

    def _record_pending_login(self, pending: PendingLogin, _amr: tuple[str, ...]) -> User:
        return self._record_login(pending.user)

    def _record_login(self, user: User) -> User:
        facts: dict[str, str | int | bool] = {"surface": "admin", "secondFactor": self.used_second_factor}
        audit.record(AuditKind.LOGIN, user_id=user.id, actor_id=user.id, facts=facts)
        return user


def parse_response(text: str) -> FactorResponse:
    """Reject text that no second factor can have, without counting it as an attempt."""
    for factor in SECOND_FACTORS:
        value = factor.parse(text)
        if value is not None:
            return FactorResponse(method=factor.name, value=value)
    raise ValidationError(_("Enter a code from your authenticator app, or a recovery code."))


def _recorded(error: ApiError, user: User, reason: str) -> ApiError:
    """Record the failure: a correct password without access deserves attention."""
    audit.record(AuditKind.LOGIN_FAILED, user_id=user.id, facts={"reason": reason, "surface": "admin"})
    return error
