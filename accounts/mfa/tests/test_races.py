"""Concurrent uses of second factors against a live server: a code is accepted once."""

from collections import Counter
from collections.abc import Iterator

import pyotp
import pytest
from pytest_django import DjangoDbBlocker

from accounts.mfa.flows import verification
from accounts.mfa.models import RecoveryCode, TotpFactor
from accounts.mfa.tests.live_user import LiveUserWithApp
from accounts.mfa.tests.wrong_codes import wrong_codes
from accounts.models import OutboxEmail, PendingLogin, User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import log_in, me, signed_in, someone, tokens_of
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer

ROUNDS = 3
NEW = "Another-Horse-8"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("mfa-races")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


class EnrolledUser(LiveUserWithApp):
    """`code()` returns a valid, unused code."""

    def code(self) -> str:
        """Reset the last used time step, so that the test need not wait 30 seconds for the next code."""
        TotpFactor.objects.filter(user=self.user).update(last_step=0)
        verification.reset_wrong_codes(self.user.id)
        return self.app.now()

    def sessions(self) -> int:
        """Return the number of sessions that a second factor started."""
        active = self.user.sessions.filter(acr="aal2", revoked_at=None)
        return active.exclude(id=self.first_session.id).count()


def _verify(token: str, **proof: str) -> ApiRequest:
    return ApiRequest("POST", "/mfa/verify", {"mfaToken": token, **proof})


def _codes(responses: list[ApiResponse]) -> Counter[str]:
    assert max(response.status for response in responses) < 500, responses
    return Counter(response.code for response in responses)


def test_one_of_ten_uses_of_a_code_in_one_login_succeeds(server: LiveServer) -> None:
    enrolled = EnrolledUser(server)
    for done in range(1, ROUNDS + 1):
        request = _verify(enrolled.pending(), code=enrolled.code())

        assert _codes(server.send_at_once([request] * 10)) == {"ok": 1, "token_invalid": 9}
        assert enrolled.sessions() == done


def test_one_of_ten_logins_with_the_same_code_succeeds(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        enrolled = EnrolledUser(server)
        pending = [enrolled.pending() for _ in range(10)]
        code = enrolled.code()

        assert _codes(server.send_at_once([_verify(token, code=code) for token in pending])) == {
            "ok": 1,
            "code_invalid": 9,
        }
        assert enrolled.sessions() == 1
        assert wrong_codes(enrolled.user) == 9


def test_one_of_ten_uses_of_a_recovery_code_succeeds_and_sends_one_email(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        enrolled = EnrolledUser(server)
        requests = [_verify(enrolled.pending(), recoveryCode=enrolled.recovery_codes[0]) for _ in range(10)]

        assert _codes(server.send_at_once(requests)) == {"ok": 1, "code_invalid": 9}
        assert enrolled.sessions() == 1
        assert RecoveryCode.objects.filter(user=enrolled.user, used_at=None).count() == 9
        assert OutboxEmail.objects.filter(user=enrolled.user, kind="recovery_code_used").count() == 1


def test_twenty_concurrent_wrong_codes_count_as_five_and_end_the_login(server: LiveServer) -> None:
    enrolled = EnrolledUser(server)
    token = enrolled.pending()

    codes = _codes(server.send_at_once([_verify(token, recoveryCode="AAAAA-AAAAA")] * 20))

    assert codes == {"code_invalid": 5, "token_invalid": 15}
    assert server.send(_verify(token, code=enrolled.code())).code == "token_invalid"


def test_the_limit_of_the_account_holds_for_concurrent_logins(server: LiveServer) -> None:
    enrolled = EnrolledUser(server)
    requests = [_verify(enrolled.pending(), recoveryCode="AAAAA-AAAAA") for _ in range(20)]

    codes = _codes(server.send_at_once(requests))

    assert codes == {"code_invalid": 10, "too_many_attempts": 10}
    assert wrong_codes(enrolled.user) == 10


def test_a_session_with_the_old_password_does_not_survive_a_concurrent_change(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        enrolled = EnrolledUser(server)
        tokens = [enrolled.pending() for _ in range(5)]
        change = ApiRequest(
            "POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}, enrolled.access
        )
        verifying = [
            _verify(token, recoveryCode=code) for token, code in zip(tokens, enrolled.recovery_codes, strict=False)
        ]

        changed, *responses = server.send_at_once([change, *verifying])

        assert changed.status == 200
        assert set(_codes(responses)) <= {"ok", "token_invalid"}
        assert enrolled.sessions() == 0
        for minted in (tokens_of(response) for response in responses if response.status == 200):
            assert server.send(me(minted.access)).code == "session_revoked"


def test_one_of_ten_concurrent_confirmations_returns_recovery_codes(server: LiveServer) -> None:
    user = someone()
    access = signed_in(server, user).access
    secret = server.send(ApiRequest("POST", "/mfa/totp", token=access)).data["secret"]
    request = ApiRequest("POST", "/mfa/totp/confirm", {"code": pyotp.TOTP(secret).now()}, access)

    responses = server.send_at_once([request] * 10)

    assert _codes(responses) == {"ok": 1, "mfa_already_enabled": 9}
    assert RecoveryCode.objects.filter(user=user).count() == 10
    assert OutboxEmail.objects.filter(user=user, kind="mfa_enabled").count() == 1


def test_a_login_concurrent_with_the_first_confirmation_is_consistent(server: LiveServer) -> None:
    """The login starts a session without a second factor, requires the second factor, or is rejected and can be retried."""
    for _ in range(ROUNDS):
        user = someone()
        access = signed_in(server, user).access
        secret = server.send(ApiRequest("POST", "/mfa/totp", token=access)).data["secret"]
        confirm = ApiRequest("POST", "/mfa/totp/confirm", {"code": pyotp.TOTP(secret).now()}, access)

        confirmed, *logins = server.send_at_once([confirm, *[log_in(user)] * 6])

        assert confirmed.status == 200
        assert set(_codes(logins)) <= {"ok", "invalid_credentials"}
        waiting = [response for response in logins if response.status == 200 and "mfaToken" in response.data]
        assert PendingLogin.objects.filter(user=user).count() == len(waiting)
        assert "mfaToken" in server.send(log_in(user)).data


def test_a_concurrent_removal_and_verification_leave_a_consistent_account(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        enrolled = EnrolledUser(server)
        removal = ApiRequest("DELETE", "/mfa/totp", {"password": PASSWORD}, enrolled.access)
        verifying = [_verify(enrolled.pending(), recoveryCode=code) for code in enrolled.recovery_codes[:5]]

        removed, *responses = server.send_at_once([removal, *verifying])

        assert removed.status == 200
        assert set(_codes(responses)) <= {"ok", "token_invalid"}
        assert enrolled.sessions() == 0
        assert not User.objects.get(id=enrolled.user.id).mfa_enabled
        assert not TotpFactor.objects.filter(user=enrolled.user).exists()
