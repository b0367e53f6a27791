"""Changes the authentication context of existing sessions: a step-up raises it, the removal of the last factor lowers it."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import F, Value
from django.db.models.functions import Replace, Trim

from core.api.exceptions import SessionRevoked
from sessions_tracking.authentication_context import AssuranceLevel
from sessions_tracking.models import Session
from sessions_tracking.principal_cache.replacement import refresh_cached_principals


def add_proof(
    *,
    user_id: uuid.UUID,
    session_id: uuid.UUID,
    amr: Iterable[str],
    acr: str,
    authenticated_at: datetime | None = None,
) -> Session:
    """Record on an active session what its user proved after the sign-in, and return the session.

    Call within a transaction that holds the user's row, so that two proofs at once are both kept. After the commit, every
    process sees the new context with the next request. Raises SessionRevoked.
    """
    session = Session.objects.active(datetime.now(UTC)).filter(user_id=user_id, id=session_id).first()
    if session is None:
        raise SessionRevoked
    context = session.context.with_proof(amr, acr=acr, authenticated_at=authenticated_at)
    values = {"amr": " ".join(context.amr), "acr": context.acr, "authenticated_at": context.authenticated_at}
    if not Session.objects.active(datetime.now(UTC)).filter(id=session_id).update(**values):
        raise SessionRevoked
    for name, value in values.items():
        setattr(session, name, value)
    refresh_cached_principals(user_id=user_id)
    return session


def lower_to_aal1(*, user_id: uuid.UUID) -> None:
    """Withdraw what the user's removed second factors proved. Call within the transaction that removes the last one."""
    raised = Session.objects.filter(user_id=user_id, acr=AssuranceLevel.AAL2)
    without_mfa = Trim(Replace(F("amr"), Value("mfa"), Value("")))  # the last value, see AMR_VALUES
    raised.update(acr=AssuranceLevel.AAL1, amr=without_mfa)
    refresh_cached_principals(user_id=user_id)
