"""Finds the accounts that were not verified within UNVERIFIED_ACCOUNT_LIFETIME."""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.mail import kinds
from accounts.models import User, VerificationCode


def expired(now: datetime) -> QuerySet[User]:
    """Return the unused ones. An account with a valid invitation is kept, so that its link works."""
    invited = VerificationCode.objects.filter(
        user_id=OuterRef("pk"), email__kind=kinds.INVITATION.name, invalidated_at=None, token_expires_at__gt=now
    )
    since = now - settings.UNVERIFIED_ACCOUNT_LIFETIME
    never_used = User.objects.filter(email_verified_at=None, created_at__lt=since, last_login=None, is_staff=False)
    claimed = never_used.filter(Q(email__isnull=False) | Q(is_placeholder=True))
    return claimed.exclude(Exists(invited))
