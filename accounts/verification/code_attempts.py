"""How often somebody may be wrong about mailed codes, counted in the database: of one code, and of all codes of an account.

Each try is counted before anybody looks at the code, and committed at once, so that parallel guesses cannot outrun the count.
"""

import math
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.exceptions import TooManyAttempts, TooManyWrongCodes
from accounts.keyed_hash import hexdigest
from accounts.models import AttemptCounter


def count_of_code(key: str) -> None:
    """MAX_CODE_TRIES, until `key` is deleted. Raises TooManyAttempts."""
    now = datetime.now(UTC)
    left = AttemptCounter.objects.filter(key=key, tries__lt=settings.MAX_CODE_TRIES)
    if left.update(tries=F("tries") + 1, updated_at=now):
        return
    if not _begin(key, now) and not left.update(tries=F("tries") + 1, updated_at=now):
        raise TooManyAttempts


def count_of_account(purpose: str, whom: str) -> None:
    """RATE_LIMIT_CODES, however many codes are asked for meanwhile. Raises TooManyWrongCodes.

    The row keeps the moment of the first try; once the window is over, the next one begins another.
    """
    limit = settings.RATE_LIMIT_CODES
    if limit is None or not settings.RATE_LIMITS:
        return
    now, key = datetime.now(UTC), hexdigest("code-tries-of-account", purpose, whom)
    over = now - timedelta(seconds=limit.seconds)
    tried = AttemptCounter.objects.filter(key=key)
    left = tried.filter(updated_at__gt=over, tries__lt=limit.amount)
    if left.update(tries=F("tries") + 1) or tried.filter(updated_at__lte=over).update(tries=1, updated_at=now):
        return
    if not _begin(key, now) and not left.update(tries=F("tries") + 1):
        since = tried.values_list("updated_at", flat=True).first() or now
        raise TooManyWrongCodes(retry_after=math.ceil((since - over).total_seconds()))


def _begin(key: str, now: datetime) -> bool:
    """False where the row exists: used up, unless a racing first try has just made it."""
    try:
        with transaction.atomic():
            AttemptCounter.objects.create(key=key, tries=1, updated_at=now)
    except IntegrityError:
        return False
    return True
