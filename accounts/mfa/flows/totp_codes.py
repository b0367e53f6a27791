"""The codes of an authenticator app: each is taken once."""

import logging
from datetime import UTC, datetime

from accounts import encryption
from accounts.mfa import totp
from accounts.mfa.models import TotpFactor

logger = logging.getLogger(__name__)


def use(factor: TotpFactor, code: str) -> bool:
    """Uses the code's time step up, and all before it; True for the one caller that did, of however many raced."""
    step = _step(factor, code)
    if step is None:
        return False
    return TotpFactor.objects.filter(user_id=factor.user_id, last_step__lt=step).update(last_step=step) == 1


def _step(factor: TotpFactor, code: str) -> int | None:
    try:
        secret = encryption.decrypt(factor.secret, owner=str(factor.user_id))
    except encryption.Unreadable:
        # Recovery codes still work. The owner can do nothing about it; whoever runs this must give the old key back.
        logger.error("the second factor of user %s was encrypted with a key that is not configured", factor.user_id)  # noqa: TRY400
        return None
    return totp.matching_step(secret, code, now=datetime.now(UTC), after=factor.last_step)
