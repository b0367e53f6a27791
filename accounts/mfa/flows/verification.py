"""Verification of codes: those of the authenticator app, and recovery codes. Both share one limit for wrong codes.

Each function must run within a transaction that holds the user's row. Only a client that has given the password, or is signed
in, gets here, so a stranger cannot use up a user's attempts.
"""

import logging
import math
from datetime import UTC, datetime

from django.conf import settings

from accounts import audit, encryption
from accounts.exceptions import TooManyWrongCodes
from accounts.mfa import emails, totp
from accounts.mfa.flows import recovery_codes
from accounts.mfa.models import MfaAuditKind, TotpFactor
from accounts.models import User
from sessions_tracking.client_info import ClientInfo

logger = logging.getLogger(__name__)


def verify_totp_code(user: User, code: str, client: ClientInfo) -> bool:
    """Use up the code of a login. Raises TooManyWrongCodes, for the correct code too."""
    return use_totp_code(TotpFactor.objects.get(user=user), code)


def verify_recovery_code(user: User, code: str, client: ClientInfo) -> bool:
    """Use up the recovery code and notify the user. Raises TooManyWrongCodes, for the correct code too."""
    factor = TotpFactor.objects.get(user=user)
    _require_attempts_left(factor)
    if not recovery_codes.use(user_id=user.id, code=code):
        _count_wrong_code(factor)
        return False
    left = recovery_codes.count_left(user_id=user.id)
    audit.record(MfaAuditKind.RECOVERY_CODE_USED, user_id=user.id, actor_id=user.id, facts={"left": left})
    emails.recovery_code_used(user, client, left=left)
    return True


def use_totp_code(factor: TotpFactor, code: str) -> bool:
    """Use up the code's time step and all before it; of concurrent requests one gets True. A wrong code is counted.

    Raises TooManyWrongCodes, for the correct code too.
    """
    _require_attempts_left(factor)
    step = _matching_step(factor, code)
    unused = TotpFactor.objects.filter(user_id=factor.user_id, last_step__lt=step or 0)
    if step is not None and unused.update(last_step=step):
        return True
    _count_wrong_code(factor)
    return False


def _matching_step(factor: TotpFactor, code: str) -> int | None:
    try:
        secret = encryption.decrypt(factor.secret, owner=str(factor.user_id))
    except encryption.Unreadable:
        # Recovery codes still work. The user cannot repair this; an operator must configure the old key again.
        logger.error("the second factor of user %s was encrypted with a key that is not configured", factor.user_id)  # noqa: TRY400
        return None
    return totp.matching_step(secret, code, now=datetime.now(UTC), after=factor.last_step)


def _require_attempts_left(factor: TotpFactor) -> None:
    """Raise TooManyWrongCodes until the window that the first wrong code opened has ended."""
    if factor.wrong_codes < settings.MFA_MAX_WRONG_CODES or factor.wrong_since is None:
        return
    left = factor.wrong_since + settings.MFA_WRONG_CODES_WINDOW - datetime.now(UTC)
    if left.total_seconds() > 0:
        raise TooManyWrongCodes(retry_after=math.ceil(left.total_seconds()))


def _count_wrong_code(factor: TotpFactor) -> None:
    now = datetime.now(UTC)
    if factor.wrong_since is None or factor.wrong_since + settings.MFA_WRONG_CODES_WINDOW <= now:
        factor.wrong_codes, factor.wrong_since = 0, now
    factor.wrong_codes += 1
    TotpFactor.objects.filter(user_id=factor.user_id).update(
        wrong_codes=factor.wrong_codes, wrong_since=factor.wrong_since
    )
