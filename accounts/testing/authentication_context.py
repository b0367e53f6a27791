"""Sessions whose user authenticated otherwise than a test's sign-in did: long ago, or with a second factor."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.test import TestCase
from django.utils import timezone

from accounts.models import User
from accounts.testing.api_client import SignedIn
from sessions_tracking import assurance
from sessions_tracking.authentication_context import AssuranceLevel, current_second
from sessions_tracking.models import Session
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache.lookup import get_principal
from sessions_tracking.principal_cache.replacement import refresh_cached_principals


def set_context(signed_in: SignedIn, **columns: Any) -> None:
    """Write columns of the session, in the database and in the cache."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert Session.objects.filter(id=signed_in.session_id).update(**columns) == 1
        refresh_cached_principals(user_id=signed_in.user.id)


def age_authentication(signed_in: SignedIn, *, by: timedelta = timedelta(hours=1)) -> None:
    """Move the time back at which the session's user authenticated."""
    set_context(signed_in, authenticated_at=(timezone.now() - by).replace(microsecond=0))


def raise_to_aal2(signed_in: SignedIn) -> None:
    set_context(signed_in, amr="pwd otp mfa", acr="aal2")


def step_up(signed_in: SignedIn, *amr: str, acr: str = AssuranceLevel.AAL2) -> None:
    """Record a proof that the user has just given, by default that of an authenticator app."""
    with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
        User.objects.select_for_update().get(id=signed_in.user.id)
        assurance.add_proof(
            user_id=signed_in.user.id,
            session_id=uuid.UUID(signed_in.session_id),
            amr=amr or ("otp",),
            acr=acr,
            authenticated_at=current_second(),
        )


def principal(signed_in: SignedIn) -> Principal:
    return get_principal(uuid.UUID(signed_in.session_id))
