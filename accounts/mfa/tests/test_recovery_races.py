"""Concurrent requests of a recovery against a live server: one clock, one email, and one end."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoDbBlocker

from accounts.mfa import recovery_links
from accounts.mfa.flows import verification
from accounts.mfa.models import FactorRecovery, RecoveryCode, TotpFactor
from accounts.mfa.tests.live_user import LiveUserWithApp
from accounts.models import OutboxEmail, User
from accounts.testing.api_client import PASSWORD
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer

ROUNDS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("recovery-races")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


class UserWithLostApp(LiveUserWithApp):
    def begin(self) -> ApiRequest:
        return ApiRequest("POST", "/mfa/recovery", {"mfaToken": self.pending()})

    def recover(self) -> tuple[ApiRequest, ApiRequest]:
        """Begin a recovery whose delay has passed; return the requests that complete and that stop it."""
        assert self.server.send(self.begin()).status == 202
        FactorRecovery.objects.filter(user=self.user).update(available_at=datetime.now(UTC))
        row = FactorRecovery.objects.unfinished().get(user=self.user)
        complete = ApiRequest("POST", "/mfa/recovery/complete", {"token": recovery_links.completion_token(row)})
        cancel = ApiRequest("POST", "/mfa/recovery/cancel", {"token": recovery_links.stop_token(row)})
        return complete, cancel

    def emails(self, kind: str) -> int:
        return OutboxEmail.objects.filter(user=self.user, kind=kind).count()

    def assert_consistent(self) -> None:
        user = User.objects.get(id=self.user.id)
        codes = RecoveryCode.objects.filter(user=user, used_at=None).count()
        assert user.mfa_enabled == TotpFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()
        assert user.recovery_codes_left == (codes if user.mfa_enabled else None)
        assert bool(codes) == user.mfa_enabled


def _codes(responses: list[ApiResponse]) -> Counter[str]:
    assert max(response.status for response in responses) < 500, responses
    return Counter(response.code for response in responses)


def test_ten_requests_at_once_start_one_clock_and_send_one_email(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        lost = UserWithLostApp(server)

        responses = server.send_at_once([lost.begin() for _ in range(10)])

        assert _codes(responses) == {"ok": 10}
        assert len({response.data["availableAt"] for response in responses}) == 1
        assert FactorRecovery.objects.filter(user=lost.user).count() == 1
        assert lost.emails("recovery_begun") == 1


def test_one_of_ten_completions_succeeds(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        lost = UserWithLostApp(server)
        complete, _cancel = lost.recover()

        assert _codes(server.send_at_once([complete] * 10)) == {"ok": 1, "token_invalid": 9}

        assert lost.emails("recovery_completed") == 1
        assert not lost.user.sessions.filter(revoked_at=None).exists()
        lost.assert_consistent()


def test_a_recovery_is_either_completed_or_stopped(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        lost = UserWithLostApp(server)
        complete, cancel = lost.recover()

        completed, *cancelled = server.send_at_once([complete, *[cancel] * 5])

        row = FactorRecovery.objects.get(user=lost.user)
        assert (row.completed_at is None) != (row.cancelled_at is None)
        assert (completed.status == 200) == (row.completed_at is not None)
        assert set(_codes(cancelled)) == ({"token_invalid"} if completed.status == 200 else {"ok"})
        assert lost.emails("recovery_stopped") + lost.emails("recovery_completed") == 1
        lost.assert_consistent()


def test_a_completion_beside_sign_ins_and_a_removal_leaves_a_consistent_account(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        lost = UserWithLostApp(server)
        complete, _cancel = lost.recover()
        verification.reset_wrong_codes(lost.user.id)
        verifying = [
            ApiRequest("POST", "/mfa/verify", {"mfaToken": lost.pending(), "recoveryCode": code})
            for code in lost.recovery_codes[:4]
        ]
        removal = ApiRequest("DELETE", "/mfa/totp", {"password": PASSWORD}, lost.access)

        completed, removed, *responses = server.send_at_once([complete, removal, *verifying])

        assert {completed.code, removed.code} <= {"ok", "token_invalid", "session_revoked", "mfa_not_enabled"}
        assert set(_codes(responses)) <= {"ok", "token_invalid"}
        assert not User.objects.get(id=lost.user.id).mfa_enabled
        assert not lost.user.sessions.filter(revoked_at=None, acr="aal2").exists()
        lost.assert_consistent()
