"""The pause between two verification emails to one address, counted from the last one that was asked for.

It is kept in the database, whoever has the address or not, so that it tells nothing; the letter of registration is not counted.
"""

import math
from datetime import UTC, datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.identity import bucket_of
from accounts.keyed_hash import hexdigest
from accounts.models import AttemptCounter
from core.api.exceptions import RateLimited
from core.throttling import headers, limiter
from core.throttling.headers import Standing
from core.throttling.rates import Limit


def begin(email: str) -> None:
    """Raises RateLimited within the pause, and past what RATE_LIMIT_RESEND gives the address beside it.

    The conditional UPDATE, or the key of the new row, lets one of any number of racers pass.
    """
    if not settings.RATE_LIMITS:
        return
    now, key = datetime.now(UTC), _key(email)
    if not AttemptCounter.objects.filter(key=key, updated_at__lte=now - settings.RESEND_PAUSE).update(updated_at=now):
        try:
            with transaction.atomic():
                AttemptCounter.objects.create(key=key, updated_at=now)
        except IntegrityError:
            require_over(email)
    _note(settings.RESEND_PAUSE.total_seconds(), is_exceeded=False)
    limiter.take(settings.RATE_LIMIT_RESEND, bucket_of(email))


def require_over(email: str) -> None:
    """For a spelling that nobody has: it is no way around the pause of the one that somebody has. Raises RateLimited."""
    if not settings.RATE_LIMITS:
        return
    asked_at = AttemptCounter.objects.filter(key=_key(email)).values_list("updated_at", flat=True).first()
    left = (asked_at + settings.RESEND_PAUSE - datetime.now(UTC)).total_seconds() if asked_at else 0
    if left > 0:
        _note(left, is_exceeded=True)
        raise RateLimited(retry_after=math.ceil(left))


def _key(email: str) -> str:
    return hexdigest("resend-pause", bucket_of(email))


def _note(seconds: float, *, is_exceeded: bool) -> None:
    pause = Limit("resend-pause", 1, int(settings.RESEND_PAUSE.total_seconds()))
    headers.note([Standing(limit=pause, remaining=0, seconds=math.ceil(seconds), is_exceeded=is_exceeded)])
