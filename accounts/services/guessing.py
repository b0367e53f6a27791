"""Guarding passwords against guessing: whose tries are counted together, and when they have to wait.

Past the bound a wait follows each failure, for the right password too, and doubles with the next. It holds for one account from
one address: the owner elsewhere, a live session, a refresh and a reset of the password do not know of it (ASVS 6.3.1).
"""

import uuid

from django.conf import settings

from accounts.identity import bucket_of
from config.rate_limits import limiter
from config.rate_limits.by_address import neighbourhood
from config.rate_limits.limiter import Attempt


def login_attempt(*, user_id: uuid.UUID | None, identifier: str, address: str | None) -> Attempt:
    """A sign-in about to be judged, whoever it names: one count for all names of an account, one for each name of nobody.

    Raises RateLimited for known and unknown accounts alike, also where the address has signed in too often.
    """
    whom = str(user_id) if user_id else f"nobody:{bucket_of(identifier)}"
    place = neighbourhood(address)
    return limiter.attempt(f"login:{whom}:{place}", limits=settings.RATE_LIMIT_LOGIN, address=place)


def prompt_attempt(*, user_id: uuid.UUID) -> Attempt:
    """The current password, wherever somebody signed in is asked for it. Raises RateLimited.

    One count for the account from everywhere: only a stolen session comes here beside the owner, and a reset ends that.
    """
    return limiter.attempt(f"prompt:{user_id}")
