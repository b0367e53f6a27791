"""Made-up users: two years of them, ever more towards the end, those of the last days not all verified yet."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Role, User
from accounts.seeding import sample_data
from accounts.seeding.seeded_random import Chance

_HISTORY = timedelta(days=730)
_LATELY = timedelta(days=6)  # an account that is not verified is removed after seven, unless somebody has signed in
_NEWCOMERS, _UNVERIFIED_OF_THEM = 0.08, 0.6
_INACTIVE, _ADMINS = 0.02, 0.002
_OUT_OF_USE = timedelta(days=20)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be made up: `users` of them with `sessions` each, as if it were the moment `at`."""

    users: int
    sessions: int
    seed: int
    at: datetime
    password_hash: str


def person(plan: Plan, chance: Chance, index: int) -> User:
    """The user of that number, unsaved. No two of a seed are alike, nor those of two seeds."""
    first, last, latin_first, latin_last = chance.one_of(sample_data.NAMES)
    created_at = _arrival(plan, index)
    number = _short(index) if plan.seed == 1 else f"{_short(plan.seed)}-{_short(index)}"
    username = f"{latin_first}-{latin_last}"[: 29 - len(number)] + f"-{number}"
    email = f"{latin_first}.{latin_last}.{number}@{chance.one_of(sample_data.DOMAINS)}"
    is_new = created_at > plan.at - _LATELY
    is_verified = not (is_new and chance.is_so(_UNVERIFIED_OF_THEM))
    is_admin, is_active = chance.is_so(_ADMINS), not chance.is_so(_INACTIVE)
    deactivated_at = None if is_active else chance.between(max(created_at, plan.at - _OUT_OF_USE), plan.at)
    return User(
        id=chance.id_of(created_at),
        email=email,
        email_key=email,
        username=username,
        username_key=username,
        password=plan.password_hash,
        first_name=first,
        last_name=last,
        language="fr" if first in sample_data.FRENCH or chance.is_so(0.05) else "en",
        role=Role.ADMIN if is_admin and is_verified else Role.USER,
        email_verified_at=created_at + chance.length(plan.at - created_at) / 1000 if is_verified else None,
        is_active=is_active,
        deactivated_at=deactivated_at,
        deactivation_reason="" if is_active else chance.one_of(sample_data.REASONS),
        created_at=created_at,
        updated_at=deactivated_at or created_at,
    )


def _arrival(plan: Plan, index: int) -> datetime:
    """Later for a higher index, so that ids grow as they would have: twice as many a day after twice the time."""
    share = (index + 0.5) / plan.users
    old = 1 - _NEWCOMERS
    if share >= old:
        return plan.at - _LATELY * ((1 - share) / _NEWCOMERS)
    return plan.at - _HISTORY + (_HISTORY - _LATELY) * math.sqrt(share / old)


def _short(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits
