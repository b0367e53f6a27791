"""Limits on password guessing: the keys under which attempts are counted, and the waits that follow failures.

Past the limit each failure causes a wait, for the correct password too, and each wait is twice as long as the one before. A
wait holds for one account from one network: logins from elsewhere, live sessions, refreshes and resets of the password are
not affected (ASVS 6.3.1).
"""

import uuid

from django.conf import settings

from accounts.identity import attempt_key
from core.throttling import by_ip, limiter
from core.throttling.limiter import Attempt, Charge


def start_login_attempt(*, user_id: uuid.UUID | None, identifier: str, ip: str | None) -> Attempt:
    """Start an attempt at a login: one count for all identifiers of an account, and one for each unknown identifier.

    Raises RateLimited for known and unknown accounts alike, and past RATE_LIMIT_LOGIN of the IP.
    """
    # With PREVENT_ENUMERATION each identifier has its own count: a shared one would link a username to its email.
    is_shared = user_id is not None and not settings.PREVENT_ENUMERATION
    subject = str(user_id) if is_shared else f"unknown:{attempt_key(identifier)}"
    charges = by_ip.charges(settings.RATE_LIMIT_LOGIN, ip)
    return limiter.attempt(f"login:{subject}:{by_ip.network_of(ip)}", charges=charges)


def start_reauth_attempt(*, user_id: uuid.UUID, hashes: int = 1) -> Attempt:
    """Start an attempt at the current password, which a signed-in user enters again. Raises RateLimited.

    The account has one count for all networks: only a thief of a session shares it with the owner, and a reset ends that.
    `hashes` is the total that the request computes; all are charged, also when the password is correct.
    """
    return limiter.attempt(f"reauth:{user_id}", charges=_hash_charges(user_id, hashes))


def charge_reset(*, user_id: uuid.UUID) -> None:
    """Charge the hash of a password reset: a valid link can be sent many times at once. Raises RateLimited."""
    limiter.consume_all(_hash_charges(user_id, 1))


def _hash_charges(user_id: uuid.UUID, hashes: int) -> list[Charge]:
    return [Charge(limit, str(user_id), min(hashes, limit.amount)) for limit in settings.RATE_LIMIT_HASHES]
