"""Proofs that a user gives after the sign-in raise the session; the removal of the last factor lowers it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection, connections, transaction
from django.test import TestCase
from django_redis import get_redis_connection

from accounts.models import User
from accounts.testing.api_client import SignedIn
from accounts.testing.authentication_context import set_context, step_up
from core.api.exceptions import SessionRevoked
from sessions_tracking import assurance, services
from sessions_tracking.authentication_context import AMR_VALUES, AuthenticationContext, authenticated_now
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.principal_cache.entries import REVOKED, cache_key
from sessions_tracking.principal_cache.lookup import get_principal

SignIn = Callable[..., SignedIn]

_NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
_PASSWORD = AuthenticationContext(amr=("pwd",), acr="aal1", authenticated_at=_NOON)
_TWO_FACTORS = AuthenticationContext(amr=("pwd", "otp", "mfa"), acr="aal2", authenticated_at=_NOON)


@pytest.mark.parametrize(
    ("before", "proof", "acr", "amr", "level"),
    [
        (_PASSWORD, ["otp"], "aal2", ("pwd", "otp", "mfa"), "aal2"),
        (_PASSWORD, ["pwd"], "aal1", ("pwd",), "aal1"),
        (_PASSWORD, ["hwk"], "aal2", ("pwd", "hwk", "mfa"), "aal2"),
        (_TWO_FACTORS, ["pwd"], "aal1", ("pwd", "otp", "mfa"), "aal2"),
        (_TWO_FACTORS, ["recovery", "swk"], "aal2", ("pwd", "swk", "otp", "recovery", "mfa"), "aal2"),
        (_PASSWORD, ["unknown", "mfa"], "aal1", ("pwd",), "aal1"),
    ],
)
def test_a_proof_adds_to_the_context_and_never_lowers_it(
    before: AuthenticationContext, proof: list[str], acr: str, amr: tuple[str, ...], level: str
) -> None:
    after = before.with_proof(proof, acr=acr)

    assert (after.amr, after.acr, after.authenticated_at) == (amr, level, _NOON)
    later = _NOON + timedelta(minutes=1)
    assert before.with_proof(proof, acr=acr, authenticated_at=later).authenticated_at == later


def test_all_values_fit_into_the_column() -> None:
    column = Session._meta.get_field("amr")

    assert len(" ".join(AMR_VALUES)) <= (column.max_length or 0)
    assert authenticated_now(*reversed(AMR_VALUES), acr="aal2").amr == AMR_VALUES


def test_a_revoked_session_takes_no_proof_and_stays_revoked_in_the_cache(signed_in: SignedIn) -> None:
    signed_in.client.post("/logout")
    before = Session.objects.values().get()

    with pytest.raises(SessionRevoked):
        step_up(signed_in)

    assert Session.objects.values().get() == before
    assert get_redis_connection("default").get(cache_key(UUID(signed_in.session_id))) == REVOKED


def test_an_expired_session_takes_no_proof(signed_in: SignedIn) -> None:
    Session.objects.update(expires_at=datetime.now(UTC))

    with pytest.raises(SessionRevoked):
        step_up(signed_in)

    assert Session.objects.get().acr == "aal1"


def test_another_users_session_takes_no_proof(signed_in: SignedIn, mallory: User) -> None:
    Session.objects.update(user=mallory)

    with pytest.raises(SessionRevoked):
        step_up(signed_in)

    assert Session.objects.get().acr == "aal1"


def test_a_proof_that_is_rolled_back_changes_neither_database_nor_cache(signed_in: SignedIn) -> None:
    session_id = UUID(signed_in.session_id)
    before = get_principal(session_id)

    with TestCase.captureOnCommitCallbacks(execute=True), pytest.raises(ZeroDivisionError), transaction.atomic():
        assurance.add_proof(user_id=signed_in.user.id, session_id=session_id, amr=["otp"], acr="aal2")
        raise ZeroDivisionError

    assert get_principal(session_id) == before
    assert Session.objects.get().acr == "aal1"


def test_lowering_affects_all_sessions_of_the_user_and_no_others(
    signed_in: SignedIn, alice: User, mallory: User, sign_in: SignIn
) -> None:
    other, foreign, weak = sign_in(alice), sign_in(mallory), sign_in(alice)
    for session, amr in ((signed_in, "pwd otp mfa"), (other, "swk mfa"), (foreign, "pwd otp mfa")):
        set_context(session, amr=amr, acr="aal2")

    with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
        assurance.lower_to_aal1(user_id=alice.id)

    contexts = [get_principal(UUID(session.session_id)).context for session in (signed_in, other, weak, foreign)]
    assert [context.acr for context in contexts] == ["aal1", "aal1", "aal1", "aal2"]
    assert [context.amr for context in contexts] == [("pwd", "otp"), ("swk",), ("pwd",), ("pwd", "otp", "mfa")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks")
def test_two_proofs_at_once_are_both_kept(alice: User, sign_in: SignIn) -> None:
    for _ in range(5):
        signed_in = sign_in(alice)
        barrier = Barrier(2)

        def prove(amr: str, signed_in: SignedIn = signed_in, barrier: Barrier = barrier) -> None:
            barrier.wait(timeout=10)
            try:
                with transaction.atomic():
                    User.objects.select_for_update().get(id=alice.id)
                    assurance.add_proof(user_id=alice.id, session_id=UUID(signed_in.session_id), amr=[amr], acr="aal2")
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(prove, ("otp", "hwk")))

        assert Session.objects.get(id=signed_in.session_id).amr_values == ["pwd", "hwk", "otp", "mfa"]
        assert get_principal(UUID(signed_in.session_id)).amr == ("pwd", "hwk", "otp", "mfa")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks")
def test_a_proof_and_a_revocation_at_once_leave_a_revoked_session(alice: User, sign_in: SignIn) -> None:
    for _ in range(5):
        signed_in = sign_in(alice)
        session_id, barrier = UUID(signed_in.session_id), Barrier(2)

        def run(is_revocation: bool, session_id: UUID = session_id, barrier: Barrier = barrier) -> None:
            barrier.wait(timeout=10)
            try:
                if is_revocation:
                    services.revoke(session_id=session_id, reason=RevokedReason.LOGOUT)
                    return
                with transaction.atomic():
                    User.objects.select_for_update().get(id=alice.id)
                    assurance.add_proof(user_id=alice.id, session_id=session_id, amr=["otp"], acr="aal2")
            except SessionRevoked:
                pass
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(run, (True, False)))

        with pytest.raises(SessionRevoked):
            get_principal(session_id)
        assert get_redis_connection("default").get(cache_key(session_id)) == REVOKED
