"""The limits on entering emailed codes: attempts at one code, and attempts at all codes of an account.

Both are charged and committed before the code is compared. Emails without an account are charged like those with one.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from accounts.exceptions import TooManyAttempts, TooManyWrongCodes
from accounts.models import AttemptCounter
from accounts.verification import attempts
from accounts.verification.attempts import AttemptRule


def count_code_attempt(purpose: str, key: str) -> None:
    """Charge one of MAX_CODE_TRIES for the current code. Raises TooManyAttempts."""
    if not attempts.charge(rule=_code_rule(purpose), key=key):
        raise TooManyAttempts


def count_attempt_within(window: timedelta, purpose: str, key: str) -> None:
    """Charge one of MAX_CODE_TRIES within the window, at all codes of an account together. Raises TooManyWrongCodes."""
    _charge(_code_rule(purpose, window), key)


def count_account_attempt(purpose: str, key: str) -> None:
    """Charge one of RATE_LIMIT_CODES, which a new code does not reset. Raises TooManyWrongCodes."""
    limit = settings.RATE_LIMIT_CODES
    if limit is None or not settings.RATE_LIMITS:
        return
    window = timedelta(seconds=limit.seconds)
    _charge(AttemptRule(purpose=f"{purpose}.account", max_attempts=limit.amount, window=window), key)


def reset(purpose: str, key: str) -> None:
    """Allow MAX_CODE_TRIES again: another code replaces the current one, or the current one was right."""
    attempts.reset(rule=_code_rule(purpose), key=key)


def exhausted(purpose: str, key: str) -> QuerySet[AttemptCounter]:
    """Return the counter of the current code if no attempt is left."""
    return attempts.exhausted(rule=_code_rule(purpose), key=key)


def _charge(rule: AttemptRule, key: str) -> None:
    if not attempts.charge(rule=rule, key=key):
        raise TooManyWrongCodes(retry_after=max(1, attempts.retry_after(rule=rule, key=key)))


def _code_rule(purpose: str, window: timedelta | None = None) -> AttemptRule:
    return AttemptRule(purpose=f"{purpose}.code", max_attempts=settings.MAX_CODE_TRIES, window=window)
