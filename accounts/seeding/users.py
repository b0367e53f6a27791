"""Generates users who signed up over two years, at a growing rate; some of the newest are not verified."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import get_hasher

from accounts.models import Role, User
from accounts.seeding import sample_data
from accounts.seeding.seeded_random import SeededRandom

_HISTORY = timedelta(days=730)
_RECENT = timedelta(days=6)  # the cleanup deletes unverified accounts after seven days
_RECENT_SHARE, _UNVERIFIED_PROBABILITY = 0.08, 0.6
_INACTIVE_PROBABILITY, _ADMIN_PROBABILITY = 0.02, 0.002
_MAX_DEACTIVATION_AGE = timedelta(days=20)
_SALT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT_LENGTH = 22
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many users to generate, and sessions for each, as if the current time were `at`."""

    users: int
    sessions: int
    seed: int
    at: datetime
    password_hash: str


def hash_password(password: str, *, seed: int) -> str:
    """Return one hash for all users: a million hashes would take days.

    The salt depends on the seed, so that the same seed generates the same rows. Real passwords get random salts.
    """
    hasher = get_hasher()
    digest = hashlib.sha256(f"seed {seed}".encode()).digest()
    salt = "".join(_SALT_ALPHABET[byte % 64] for byte in digest[: _SALT_LENGTH - 1]) + "."
    return hasher.encode(password, f"$2b${settings.BCRYPT_ROUNDS:02d}${salt}".encode())  # type: ignore[arg-type]  # bcrypt takes its salt in bytes


def build_user(plan: Plan, rng: SeededRandom, index: int) -> User:
    """Return an unsaved user. Emails and usernames are unique within a seed and between seeds."""
    first, last, latin_first, latin_last = rng.choice(sample_data.NAMES)
    created_at = _created_at(plan, index)
    number = _base36(index) if plan.seed == 1 else f"{_base36(plan.seed)}-{_base36(index)}"
    username = f"{latin_first}-{latin_last}"[: 29 - len(number)] + f"-{number}"
    email = f"{latin_first}.{latin_last}.{number}@{rng.choice(sample_data.DOMAINS)}"
    is_recent = created_at > plan.at - _RECENT
    is_verified = not (is_recent and rng.chance(_UNVERIFIED_PROBABILITY))
    is_admin, is_active = rng.chance(_ADMIN_PROBABILITY), not rng.chance(_INACTIVE_PROBABILITY)
    deactivated_at = None if is_active else rng.between(max(created_at, plan.at - _MAX_DEACTIVATION_AGE), plan.at)
    return User(
        id=rng.uuid7(created_at),
        email=email,
        email_key=email,
        username=username,
        username_key=username,
        password=plan.password_hash,
        first_name=first,
        last_name=last,
        language="fr" if first in sample_data.FRENCH or rng.chance(0.05) else "en",
        role=Role.ADMIN if is_admin and is_verified else Role.USER,
        email_verified_at=created_at + rng.duration(plan.at - created_at) / 1000 if is_verified else None,
        is_active=is_active,
        deactivated_at=deactivated_at,
        deactivation_reason="" if is_active else rng.choice(sample_data.REASONS),
        created_at=created_at,
        updated_at=deactivated_at or created_at,
    )


def _created_at(plan: Plan, index: int) -> datetime:
    """Return a later time for a higher index, as ids grow with time. The rate of sign-ups grows linearly."""
    share = (index + 0.5) / plan.users
    early_share = 1 - _RECENT_SHARE
    if share >= early_share:
        return plan.at - _RECENT * ((1 - share) / _RECENT_SHARE)
    return plan.at - _HISTORY + (_HISTORY - _RECENT) * math.sqrt(share / early_share)


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, remainder = divmod(number, 36)
        digits = _DIGITS[remainder] + digits
        if not number:
            return digits
