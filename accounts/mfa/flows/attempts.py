"""How many wrong codes an account has had of late: one count for the app's codes and the recovery codes together.

It is kept in the database, and each function wants to be within the transaction that holds the user's row. Only who has given
the password, or is signed in, ever comes here: nobody else can use up somebody's tries.
"""

import math
from datetime import UTC, datetime

from django.conf import settings

from accounts.exceptions import TooManyWrongCodes
from accounts.mfa.models import TotpFactor


def require_tries_left(factor: TotpFactor) -> None:
    """Raises TooManyWrongCodes, for the right code too, until the window that the first of them opened is over."""
    if factor.wrong_codes < settings.MFA_MOST_WRONG_CODES or factor.wrong_since is None:
        return
    left = factor.wrong_since + settings.MFA_WRONG_CODES_WINDOW - datetime.now(UTC)
    if left.total_seconds() > 0:
        raise TooManyWrongCodes(retry_after=math.ceil(left.total_seconds()))


def count(factor: TotpFactor) -> None:
    now = datetime.now(UTC)
    if factor.wrong_since is None or factor.wrong_since + settings.MFA_WRONG_CODES_WINDOW <= now:
        factor.wrong_codes, factor.wrong_since = 0, now
    factor.wrong_codes += 1
    TotpFactor.objects.filter(user_id=factor.user_id).update(
        wrong_codes=factor.wrong_codes, wrong_since=factor.wrong_since
    )
