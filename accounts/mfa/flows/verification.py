"""Verification of codes: those of the authenticator app, and recovery codes. Both share one limit for wrong codes.

Each function must run within a transaction that holds the user's row. Only a client that has given the password, or is signed
in, gets here, so a stranger cannot use up a user's attempts.
"""

import logging
import uuid
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Exists

from accounts import audit, encryption
from accounts.exceptions import TooManyWrongCodes
from accounts.mfa import emails, totp
from accounts.mfa.flows import recovery_codes
from accounts.mfa.models import MfaAuditKind, TotpFactor
from accounts.models import User
from accounts.verification import attempts
from accounts.verification.attempts import AttemptRule
from sessions_tracking.client_info import ClientInfo

logger = logging.getLogger(__name__)


def get_factor(user_id: uuid.UUID) -> TotpFactor:
    """Return the user's factor, confirmed or not. Raises TooManyWrongCodes if no attempt is left; TotpFactor.DoesNotExist."""
    exhausted = attempts.exhausted(rule=wrong_code_rule(), key=str(user_id))
    factor = TotpFactor.objects.annotate(is_exhausted=Exists(exhausted)).get(user_id=user_id)
    if factor.is_exhausted:
        seconds = attempts.retry_after(rule=wrong_code_rule(), key=str(user_id))
        raise TooManyWrongCodes(retry_after=max(1, seconds))
    return factor


def verify_totp_code(user: User, code: str, client: ClientInfo) -> bool:
    """Use up the code of a login. Raises TooManyWrongCodes, for the correct code too."""
    return use_totp_code(get_factor(user.id), code)


def verify_recovery_code(user: User, code: str, client: ClientInfo) -> bool:
    """Use up the recovery code and notify the user. Raises TooManyWrongCodes, for the correct code too."""
    get_factor(user.id)
    if not recovery_codes.use(user_id=user.id, code=code):
        _count_wrong_code(user.id)
        return False
    left = recovery_codes.count_left(user_id=user.id)
    audit.record(MfaAuditKind.RECOVERY_CODE_USED, user_id=user.id, actor_id=user.id, facts={"left": left})
    emails.recovery_code_used(user, client, left=left)
    return True


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
    """Allow MFA_MAX_WRONG_CODES again: the factor was confirmed or removed."""
    attempts.reset(rule=wrong_code_rule(), key=str(user_id))


def _matching_step(factor: TotpFactor, code: str) -> int | None:
    try:
        secret = encryption.decrypt(factor.secret, owner=str(factor.user_id))
    except encryption.Unreadable:
        # Recovery codes still work. The user cannot repair this; an operator must configure the old key again.
        logger.error("the second factor of user %s was encrypted with a key that is not configured", factor.user_id)  # noqa: TRY400
        return None
    return totp.matching_step(secret, code, now=datetime.now(UTC), after=factor.last_step)


def _count_wrong_code(user_id: uuid.UUID) -> None:
    attempts.charge(rule=wrong_code_rule(), key=str(user_id))
