"""Reads the counter of wrong codes."""

from dataclasses import replace

from accounts.mfa.flows.verification import wrong_code_rule
from accounts.models import User
from accounts.verification import attempts


def wrong_codes(user: User) -> int:
    """Return the number of wrong codes that the limit of the user counts."""
    counter = attempts.exhausted(rule=replace(wrong_code_rule(), max_attempts=0), key=str(user.id)).first()
    return counter.count if counter else 0
