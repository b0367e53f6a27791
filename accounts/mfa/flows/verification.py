"""Verification of codes: those of the authenticator app, and recovery codes. Both share one limit for wrong codes.

Each function must run within a transaction that holds the user's row. Only a client that has given the password, or is signed
in, gets here, so an attacker without either cannot use up a user's attempts.
"""

import logging
import uuid
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Exists

from accounts import audit, encryption
from accounts.exceptions import CodeInvalid, TooManyWrongCodes
from accounts.mfa import emails, totp
from accounts.mfa.flows import recovery_codes
from accounts.mfa.models import MfaAuditKind, TotpFactor
from accounts.registries import Ceremony, FactorAttempt, FactorResult
from accounts.verification import attempts
from accounts.verification.attempts import AttemptRule

logger = logging.getLogger(__name__)


def find_factor(user_id: uuid.UUID) -> TotpFactor | None:
    """Return the user's app, confirmed or not. Raises TooManyWrongCodes if no attempt is left, with an app or without."""
    exhausted = attempts.exhausted(rule=wrong_code_rule(), key=str(user_id))
    factor = TotpFactor.objects.filter(user_id=user_id).annotate(is_exhausted=Exists(exhausted)).first()
    if factor.is_exhausted if factor else exhausted.exists():
        raise _too_many_wrong_codes(user_id)
    return factor


def verify_totp_code(attempt: FactorAttempt) -> FactorResult:
    """Use up the code. Raises TooManyWrongCodes, for the correct code too."""
    factor = find_factor(attempt.user.id)
    if factor is None or factor.confirmed_at is None:
        _count_wrong_code(attempt.user.id)
        return CodeInvalid()
    return ("otp",) if use_totp_code(factor, attempt.value) else CodeInvalid()


def verify_recovery_code(attempt: FactorAttempt) -> FactorResult:
    """Use up the recovery code and notify the user. Raises TooManyWrongCodes, for the correct code too."""
    user = attempt.user
    if attempts.exhausted(rule=wrong_code_rule(), key=str(user.id)).exists():
        raise _too_many_wrong_codes(user.id)
    if not recovery_codes.use(user_id=user.id, code=attempt.value):
        _count_wrong_code(user.id)
        return CodeInvalid()
    left = user.recovery_codes_left = recovery_codes.count_left(user_id=user.id)
    audit.record(MfaAuditKind.RECOVERY_CODE_USED, user_id=user.id, actor_id=user.id, facts={"left": left})
    emails.recovery_code_used(user, attempt.client, left=left, is_step_up=attempt.ceremony is Ceremony.STEP_UP)
    return ("recovery",)


def use_totp_code(factor: TotpFactor, code: str, **changes: datetime) -> bool:
    """Use up the code's time step and all before it, and store the changes with it. A wrong code is counted.

    Of concurrent requests one gets True.
    """
    step = _matching_step(factor, code)
    unused = TotpFactor.objects.filter(user_id=factor.user_id, last_step__lt=step or 0)
    if step is not None and unused.update(last_step=step, **changes):
        return True
    _count_wrong_code(factor.user_id)
    return False


def wrong_code_rule() -> AttemptRule:
    return AttemptRule(
        purpose="mfa_code", max_attempts=settings.MFA_MAX_WRONG_CODES, window=settings.MFA_WRONG_CODES_WINDOW
    )


def reset_wrong_codes(user_id: uuid.UUID) -> None:
    """Allow MFA_MAX_WRONG_CODES again: an app was confirmed, or removed; or the last factor was removed."""
    attempts.reset(rule=wrong_code_rule(), key=str(user_id))


def _matching_step(factor: TotpFactor, code: str) -> int | None:
    try:
        secret = encryption.decrypt(factor.secret, owner=str(factor.user_id))
    except encryption.Unreadable:
        # Recovery codes still work. The user cannot repair this; an operator must configure the old key again.
        logger.error("the second factor of user %s was encrypted with a key that is not configured", factor.user_id)  # noqa: TRY400
        return None
    return totp.matching_step(secret, code, now=datetime.now(UTC), after=factor.last_step)


def _too_many_wrong_codes(user_id: uuid.UUID) -> TooManyWrongCodes:
    seconds = attempts.retry_after(rule=wrong_code_rule(), key=str(user_id))
    return TooManyWrongCodes(retry_after=max(1, seconds))


def _count_wrong_code(user_id: uuid.UUID) -> None:
    attempts.charge(rule=wrong_code_rule(), key=str(user_id))
