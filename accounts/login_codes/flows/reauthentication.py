"""Reauthentication by an emailed code, for users who have neither a password nor a second factor to prove."""

import uuid

from django.conf import settings
from django.db import transaction

from accounts.exceptions import CodeInvalid
from accounts.login_codes import emails
from accounts.login_codes.exceptions import EmailCodeUnavailable
from accounts.models import Purpose, User
from accounts.registries import FactorAttempt, FactorResult
from accounts.services import profile
from accounts.verification import code_attempts, verification_codes
from core.throttling import limiter
from sessions_tracking.client_info import ClientInfo


def is_available_for(user: User) -> bool:
    """Every passkey is a second factor too."""
    return bool(user.email) and not user.has_usable_password() and not user.mfa_enabled


def request_code(*, user_id: uuid.UUID, session_id: uuid.UUID, client: ClientInfo) -> None:
    """Queue a code that is valid in this session. Raises EmailCodeUnavailable, RateLimited, SessionRevoked."""
    user = profile.get(user_id=user_id)
    if not is_available_for(user):
        raise EmailCodeUnavailable
    limiter.consume(settings.RATE_LIMIT_LOGIN_CODES, f"reauthentication:{user_id}")
    with transaction.atomic():
        emails.reauthentication_code(user, session_id=session_id, client=client)


def verify(attempt: FactorAttempt) -> FactorResult:
    """Use the code up and return the `amr` that it proves; count a wrong one. Raises TooManyWrongCodes.

    The attempts are those at all codes of the account. The caller holds the user's row, so they are verified one by one.
    """
    user, key = attempt.user, str(attempt.user.id)
    code_attempts.count_attempt_within(settings.LOGIN_CODE_ATTEMPTS_WINDOW, Purpose.REAUTHENTICATE, key)
    row = verification_codes.find_by_code(
        user=user, purpose=Purpose.REAUTHENTICATE, code=attempt.value, session_id=str(attempt.binding)
    )
    if row is None or not verification_codes.consume(row):
        return CodeInvalid()
    code_attempts.reset(Purpose.REAUTHENTICATE, key)
    return ("email",)
