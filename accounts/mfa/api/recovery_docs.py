"""Documentation of `accounts.mfa.api.recovery_views`."""

from datetime import UTC, datetime
from http import HTTPStatus

from rest_framework import serializers

from accounts.api.docs import samples
from accounts.mfa.api.docs import TAG
from accounts.mfa.api.forms import BeginRecoveryForm, CancelRecoveryForm, CompleteRecoveryForm
from accounts.mfa.exceptions import RecoveryNotReady, RecoveryTokenInvalid, RecoveryUnavailable
from core.api.exceptions import AuthenticationRequired, NotFound, OriginNotAllowed, TokenExpired, TokenInvalid
from core.api.shapes import Shape
from core.openapi.operation import BEARER, COOKIE, NO_SECURITY, Operation

_AVAILABLE_AT = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
_TOKEN = {"The token from the link": {"token": samples.MAILED_TOKEN}}


class RecoveryData(Shape):
    availableAt = serializers.DateTimeField(help_text="When the link in the email starts to work.")


BEGIN = Operation(
    tag=TAG,
    summary="Begin to recover from a lost second factor",
    request=BeginRecoveryForm,
    requests={"The token of the login": {"mfaToken": samples.MAILED_TOKEN}},
    message="Check your inbox for the next step.",
    data=RecoveryData,
    responses={"Begun, or begun before": {"availableAt": "2026-03-10T09:30:00.000Z"}},
    status=HTTPStatus.ACCEPTED,
    errors=[TokenInvalid, TokenExpired, RecoveryUnavailable, OriginNotAllowed],
    is_limited=True,
)

COMPLETE = Operation(
    tag=TAG,
    summary="Complete the recovery",
    request=CompleteRecoveryForm,
    requests=_TOKEN,
    message="Two-factor authentication is off, and you have been signed out of all devices.",
    errors=[RecoveryTokenInvalid, RecoveryNotReady(available_at=_AVAILABLE_AT), RecoveryUnavailable, OriginNotAllowed],
    is_limited=True,
)

CANCEL = Operation(
    tag=TAG,
    summary="Stop the recovery",
    security=(BEARER, COOKIE, NO_SECURITY),
    request=CancelRecoveryForm,
    requests=_TOKEN | {"From a session of the user": {}},
    message="The recovery has been stopped. Two-factor authentication stays on.",
    errors=[RecoveryTokenInvalid, AuthenticationRequired, NotFound, OriginNotAllowed],
    is_limited=True,
)
