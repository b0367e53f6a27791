"""A step-up and a change of the account at the same time: a proof counts only if it still holds under the user's lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import AuditEvent, User
from accounts.passwords import hashing
from accounts.services import second_factors, step_up
from accounts.services.pending_logins import FactorResponse
from accounts.testing.api_client import PASSWORD, SignedIn
from accounts.testing.authentication_context import age_authentication, principal, set_context
from accounts.testing.second_factor import UserWithTotp, enrol
from core.api.exceptions import SessionRevoked
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session
from tests.contract.test_lock_order import CLIENT, wait_for_lock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks"),
]

Change = Callable[[SignedIn], object]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def _step_up(signed_in: SignedIn, method: str, value: str) -> step_up.SteppedUp:
    response = FactorResponse(method=method, value=value)
    try:
        return step_up.step_up(principal=principal(signed_in), response=response, client=CLIENT)
    finally:
        connections.close_all()


def _change_password(signed_in: SignedIn) -> None:
    User.objects.filter(id=signed_in.user.id).update(password=hashing.make("Another-Horse-8"))


def _log_out(signed_in: SignedIn) -> None:
    sessions.revoke_all(user_id=signed_in.user.id, reason=RevokedReason.LOGOUT)


def _reset_password(signed_in: SignedIn) -> None:
    _change_password(signed_in)
    sessions.revoke_all(user_id=signed_in.user.id, reason=RevokedReason.PASSWORD_RESET)


def _add_factor(signed_in: SignedIn) -> None:
    second_factors.enable(user_id=signed_in.user.id)


def _deactivate(signed_in: SignedIn) -> None:
    User.objects.filter(id=signed_in.user.id).update(is_active=False)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_change_password, "password_incorrect"),
        (_log_out, "session_revoked"),
        (_reset_password, "session_revoked"),
        (_add_factor, "second_factor_required"),
        (_deactivate, "session_revoked"),
    ],
)
def test_a_step_up_by_password_that_waited_for_a_change_proves_nothing(
    signed_in: SignedIn, threads: ThreadPoolExecutor, change: Change, code: str
) -> None:
    age_authentication(signed_in)
    before = Session.objects.get()

    with transaction.atomic():
        User.objects.select_for_update().get()
        change(signed_in)
        waiting = threads.submit(_step_up, signed_in, "password", PASSWORD)
        wait_for_lock(waiting)
    error: Any = waiting.exception(timeout=20)

    assert error.code == code
    session = Session.objects.get()
    assert (session.acr, session.authenticated_at) == (before.acr, before.authenticated_at)
    assert not AuditEvent.objects.filter(kind="reauthenticated").exists()


def test_a_step_up_by_a_code_that_waited_for_the_removal_of_the_factor_proves_nothing(
    signed_in: SignedIn, threads: ThreadPoolExecutor
) -> None:
    app = enrol(signed_in).app
    set_context(signed_in, amr="pwd", acr="aal1")

    with transaction.atomic():
        user = User.objects.select_for_update().get()
        user.totp_factor.delete()
        second_factors.removed(user_id=user.id)
        waiting = threads.submit(_step_up, signed_in, "totp", app.code())
        wait_for_lock(waiting)
    error: Any = waiting.exception(timeout=20)

    assert error.code == "code_invalid"
    assert (Session.objects.get().acr, Session.objects.get().amr) == ("aal1", "pwd")


def _enrolled(signed_in: SignedIn) -> UserWithTotp:
    enrolled = enrol(signed_in)
    set_context(signed_in, amr="pwd", acr="aal1")
    return enrolled


def test_of_two_step_ups_with_the_same_code_one_succeeds(signed_in: SignedIn, threads: ThreadPoolExecutor) -> None:
    code = _enrolled(signed_in).app.code()

    results = [threads.submit(_step_up, signed_in, "totp", code) for _ in range(2)]
    codes = sorted(getattr(result.exception(timeout=20), "code", "ok") for result in results)

    assert codes == ["code_invalid", "ok"]
    assert (Session.objects.get().acr, Session.objects.get().amr) == ("aal2", "pwd otp mfa")


def test_two_step_ups_at_once_are_both_kept(signed_in: SignedIn, threads: ThreadPoolExecutor) -> None:
    enrolled = _enrolled(signed_in)

    results = [
        threads.submit(_step_up, signed_in, "totp", enrolled.app.code()),
        threads.submit(_step_up, signed_in, "recovery_code", enrolled.recovery_codes[0].replace("-", "")),
    ]

    assert [result.exception(timeout=20) for result in results] == [None, None]
    assert Session.objects.get().amr == "pwd otp recovery mfa"


def test_no_principal_of_an_ended_session_is_cached_again_by_a_step_up(
    signed_in: SignedIn, threads: ThreadPoolExecutor
) -> None:
    enrolled = _enrolled(signed_in)
    with transaction.atomic():
        User.objects.select_for_update().get()
        waiting = threads.submit(_step_up, signed_in, "totp", enrolled.app.code())
        wait_for_lock(waiting)
        _log_out(signed_in)

    assert isinstance(waiting.exception(timeout=20), SessionRevoked)
    assert signed_in.client.get("/sessions").json()["code"] == "session_revoked"
