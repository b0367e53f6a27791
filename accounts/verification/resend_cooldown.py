"""The cooldown between two verification emails to one email, counted from the last request.

It applies to emails without an account too, so that it reveals nothing. The email of the registration does not start it.
"""

from django.conf import settings

from accounts.identity import attempt_key
from accounts.verification import attempts
from accounts.verification.attempts import AttemptRule
from core.api.exceptions import RateLimited
from core.throttling import headers, limiter
from core.throttling.headers import LimitStatus
from core.throttling.rates import Limit


def start(email: str) -> None:
    """Start the cooldown. Raises RateLimited during it, and beyond RATE_LIMIT_RESEND. Of concurrent requests one passes."""
    if not settings.RATE_LIMITS:
        return
    if not attempts.charge(rule=_rule(), key=attempt_key(email)):
        ensure_elapsed(email)
    _record_headers(int(settings.RESEND_PAUSE.total_seconds()), is_exceeded=False)
    limiter.consume(settings.RATE_LIMIT_RESEND, attempt_key(email))


def ensure_elapsed(email: str) -> None:
    """Raise RateLimited during the cooldown.

    Applies the cooldown to unknown emails too, so that a variant spelling cannot bypass it or reveal whether an account exists.
    """
    if not settings.RATE_LIMITS:
        return
    seconds = attempts.retry_after(rule=_rule(), key=attempt_key(email))
    if seconds > 0:
        _record_headers(seconds, is_exceeded=True)
        raise RateLimited(retry_after=seconds)


def _rule() -> AttemptRule:
    return AttemptRule(purpose="resend_verification", max_attempts=1, window=settings.RESEND_PAUSE)


def _record_headers(seconds: int, *, is_exceeded: bool) -> None:
    cooldown = Limit("resend-pause", 1, int(settings.RESEND_PAUSE.total_seconds()))
    headers.record([LimitStatus(limit=cooldown, remaining=0, seconds=seconds, is_exceeded=is_exceeded)])
