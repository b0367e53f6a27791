"""Changes how and when the user of a test's session authenticated."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.test import TestCase

from accounts.models import User
from accounts.testing.api_client import SignedIn
from sessions_tracking import assurance
from sessions_tracking.authentication_context import AssuranceLevel, current_second
from sessions_tracking.models import Session
from sessions_tracking.services import refresh_cached_principals


def step_up(signed_in: SignedIn, *amr: str, acr: str = AssuranceLevel.AAL2) -> None:
    """Record a proof that the user has just given, by default that of an authenticator app."""
    with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
        User.objects.select_for_update().get(id=signed_in.user.id)
        assurance.add_proof(
            user_id=signed_in.user.id,
            session_id=UUID(signed_in.session_id),
            amr=amr or ("otp",),
            acr=acr,
            authenticated_at=current_second(),
        )


def authenticated_ago(signed_in: SignedIn, age: timedelta) -> None:
    """Date the session's authentication back, for every process."""
    with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
        at = datetime.now(UTC).replace(microsecond=0) - age
        Session.objects.filter(id=signed_in.session_id).update(authenticated_at=at)
        refresh_cached_principals(user_id=signed_in.user.id)
