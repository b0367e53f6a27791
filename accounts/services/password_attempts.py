"""Guarding passwords against guessing: whose tries are counted together, and when they have to wait.

Past the bound a wait follows each failure, for the right password too, and doubles with the next. It holds for one account from
one address: the owner elsewhere, a live session, a refresh and a reset of the password do not know of it (ASVS 6.3.1).
"""

import uuid

from django.conf import settings

from accounts.identity import attempt_key
from core.throttling import by_ip, limiter
from core.throttling.limiter import Attempt, Charge


def login_attempt(*, user_id: uuid.UUID | None, identifier: str, address: str | None) -> Attempt:
    """A sign-in about to be judged, whoever it names: one count for all names of an account, one for each name of nobody.

    Raises RateLimited for known and unknown accounts alike, also where the address has signed in too often.
    """
    # With PREVENT_ENUMERATION each identifier has its own count: a shared one would tell which address a username has.
    is_shared = user_id is not None and not settings.PREVENT_ENUMERATION
    whom = str(user_id) if is_shared else f"nobody:{attempt_key(identifier)}"
    charges = by_ip.charges(settings.RATE_LIMIT_LOGIN, address)
    return limiter.attempt(f"login:{whom}:{by_ip.network_of(address)}", charges=charges)


def prompt_attempt(*, user_id: uuid.UUID, hashes: int = 1) -> Attempt:
    """The current password, wherever somebody signed in is asked for it. Raises RateLimited.

    One count for the account from everywhere: only a stolen session comes here beside the owner, and a reset ends that.
    `hashes` is how many the request computes in all. They are counted whether or not the password is right.
    """
    return limiter.attempt(f"prompt:{user_id}", charges=_hash_charges(user_id, hashes))


def charge_reset(*, user_id: uuid.UUID) -> None:
    """Counts the hash of a password reset: a valid link can be sent many times at once. Raises RateLimited."""
    limiter.consume_all(_hash_charges(user_id, 1))


def _hash_charges(user_id: uuid.UUID, hashes: int) -> list[Charge]:
    return [Charge(limit, str(user_id), min(hashes, limit.amount)) for limit in settings.RATE_LIMIT_HASHES]
