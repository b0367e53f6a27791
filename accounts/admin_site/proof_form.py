"""The form by which the user of an admin session authenticates again: the password, or a code of the second factor."""

import uuid
from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import BASE_INPUT_CLASSES

from accounts import audit
from accounts.admin_site.factor_prompts import Prompt, get_prompts
from accounts.admin_site.login_form import MAX_RESPONSE_LENGTH, parse_response
from accounts.exceptions import CodeInvalid, PasswordIncorrect
from accounts.models import AuditKind, User
from accounts.passwords.validators import MAX_PASSWORD_LENGTH, PasswordLengthValidator
from accounts.registries import SECOND_FACTORS, Ceremony, FactorAttempt, FactorResult
from accounts.services import credential_check
from accounts.services.pending_logins import FactorResponse
from core.api.exceptions import ApiError, SessionRevoked
from core.throttling import by_ip
from sessions_tracking.client_info import read_client_info

PASSWORD, CODE = "proof_password", "proof_code"


class CodeInput(forms.TextInput):
    """Does not show a rejected code again, like a password."""

    def format_value(self, value: Any) -> None:
        return None


class ProofForm(forms.Form):
    """Has the field for the code if the user has a second factor, and else for the password.

    `api_error` is set if the service raised one.
    """

    proof_password = forms.CharField(
        label=_("Password"),
        strip=False,
        validators=[PasswordLengthValidator(MAX_PASSWORD_LENGTH)],
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    proof_code = forms.CharField(
        label=_("Code from your authenticator app, or a recovery code"),
        max_length=MAX_RESPONSE_LENGTH,
        widget=CodeInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )
    api_error: ApiError | None = None

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, User.objects.get(pk=str(request.user.pk))
        self.has_second_factor = self.user.mfa_enabled
        del self.fields[PASSWORD if self.has_second_factor else CODE]
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def clean(self) -> dict[str, Any]:
        [name] = self.fields
        try:
            if not self.errors:
                self._check(self.cleaned_data[name])
        except ValidationError as error:
            self.add_error(name, error)
        except ApiError as error:
            self.api_error = error
            self.add_error(name, str(error.message))
        return self.cleaned_data

    def _check(self, text: str) -> None:
        """As `accounts.services.step_up` does for a session of the API."""
        response = parse_response(text) if self.has_second_factor else FactorResponse(method="password", value=text)
        by_ip.consume(settings.RATE_LIMIT_LOGIN, read_client_info(self.request).ip)
        if self.has_second_factor:
            _check_code(self._attempt(response.value), response.method)
        else:
            _check_password(self.user, text)
        _record(AuditKind.REAUTHENTICATED, self.user, response.method)

    def prompts(self) -> list[Prompt]:
        """Return the prompts of the second factors, for the template."""
        return get_prompts(self._attempt(None)) if self.has_second_factor else []

    def _attempt(self, value: Any) -> FactorAttempt:
        return FactorAttempt(
            user=self.user,
            value=value,
            client=read_client_info(self.request),
            ceremony=Ceremony.STEP_UP,
            binding=uuid.uuid5(uuid.NAMESPACE_URL, str(self.request.session.session_key)),
            proven_amr=("pwd",),
        )


def _check_password(user: User, password: str) -> None:
    """Raises PasswordIncorrect, RateLimited."""
    try:
        credential_check.require_correct(password, user=user, field=PASSWORD)
    except PasswordIncorrect:
        _record(AuditKind.REAUTHENTICATION_FAILED, user, "password")
        raise


def _check_code(attempt: FactorAttempt, method: str) -> None:
    """Use the response up. Raises the factor's error, such as CodeInvalid, and TooManyWrongCodes, once the attempt is counted."""
    with transaction.atomic():
        result = _verify(attempt, method)
    if isinstance(result, ApiError):
        raise result


def _verify(attempt: FactorAttempt, method: str) -> FactorResult:
    locked = User.objects.select_for_update().filter(id=attempt.user.id, is_active=True, mfa_enabled=True).first()
    if locked is None:
        raise SessionRevoked
    factor = SECOND_FACTORS.get(method)
    result = factor.verify(replace(attempt, user=locked)) if factor is not None else CodeInvalid()
    if isinstance(result, ApiError):
        _record(AuditKind.REAUTHENTICATION_FAILED, locked, method)
    return result


def _record(kind: AuditKind, user: User, method: str) -> None:
    audit.record(kind, user_id=user.id, actor_id=user.id, facts={"method": method, "surface": "admin"})
