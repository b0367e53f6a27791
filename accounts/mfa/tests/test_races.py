"""Races for a second factor, over real sockets: of any number of uses of one code, one counts."""

from collections import Counter
from collections.abc import Iterator

import pyotp
import pytest
from pytest_django import DjangoDbBlocker

from accounts.mfa.models import RecoveryCode, TotpFactor
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


class Person:
    """A user with an authenticator app on this server. Each code that `code()` returns is right and not yet used."""

    def __init__(self, server: LiveServer) -> None:
        self.server, self.user = server, someone()
        self.access = signed_in(server, self.user).access
        self.app = pyotp.TOTP(server.send(ApiRequest("POST", "/mfa/totp", token=self.access)).data["secret"])
        confirm = ApiRequest("POST", "/mfa/totp/confirm", {"code": self.app.now()}, self.access)
        self.recovery_codes: list[str] = server.send(confirm).data["recoveryCodes"]

    def code(self) -> str:
        """Reset the last used time step, so that the test need not wait 30 seconds for the next code."""
        TotpFactor.objects.filter(user=self.user).update(last_step=0, wrong_codes=0)
        return self.app.now()

    def pending(self) -> str:
        return str(self.server.send(log_in(self.user)).data["mfaToken"])

    def sessions(self) -> int:
        return self.user.sessions.filter(second_factor=True, revoked_at=None).count()


def _verify(token: str, **proof: str) -> ApiRequest:
    return ApiRequest("POST", "/mfa/verify", {"mfaToken": token, **proof})


def _codes(replies: list[ApiResponse]) -> Counter[str]:
    assert max(reply.status for reply in replies) < 500, replies
    return Counter(reply.code for reply in replies)


def test_one_of_ten_uses_of_a_code_in_one_login_succeeds(server: LiveServer) -> None:
    person = Person(server)
    for done in range(1, ROUNDS + 1):
        ask = _verify(person.pending(), code=person.code())

        assert _codes(server.send_at_once([ask] * 10)) == {"ok": 1, "token_invalid": 9}
        assert person.sessions() == done


def test_one_of_ten_logins_with_the_same_code_succeeds(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        person = Person(server)
        pending = [person.pending() for _ in range(10)]
        code = person.code()

        assert _codes(server.send_at_once([_verify(token, code=code) for token in pending])) == {
            "ok": 1,
            "code_invalid": 9,
        }
        assert person.sessions() == 1
        assert TotpFactor.objects.get(user=person.user).wrong_codes == 9


def test_one_of_ten_uses_of_a_recovery_code_succeeds_and_sends_one_email(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        person = Person(server)
        asks = [_verify(person.pending(), recoveryCode=person.recovery_codes[0]) for _ in range(10)]

        assert _codes(server.send_at_once(asks)) == {"ok": 1, "code_invalid": 9}
        assert person.sessions() == 1
        assert RecoveryCode.objects.filter(user=person.user, used_at=None).count() == 9
        assert OutboxEmail.objects.filter(user=person.user, kind="recovery_code_used").count() == 1


def test_twenty_concurrent_wrong_codes_count_as_five_and_end_the_login(server: LiveServer) -> None:
    person = Person(server)
    token = person.pending()

    codes = _codes(server.send_at_once([_verify(token, recoveryCode="AAAAA-AAAAA")] * 20))

    assert codes == {"code_invalid": 5, "token_invalid": 15}
    assert server.send(_verify(token, code=person.code())).code == "token_invalid"


def test_the_limit_of_the_account_holds_for_concurrent_logins(server: LiveServer) -> None:
    person = Person(server)
    asks = [_verify(person.pending(), recoveryCode="AAAAA-AAAAA") for _ in range(20)]

    codes = _codes(server.send_at_once(asks))

    assert codes == {"code_invalid": 10, "too_many_attempts": 10}
    assert TotpFactor.objects.get(user=person.user).wrong_codes == 10


def test_a_session_with_the_old_password_does_not_survive_a_concurrent_change(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        person = Person(server)
        tokens = [person.pending() for _ in range(5)]
        change = ApiRequest(
            "POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}, person.access
        )
        verifying = [
            _verify(token, recoveryCode=code) for token, code in zip(tokens, person.recovery_codes, strict=False)
        ]

        changed, *replies = server.send_at_once([change, *verifying])

        assert changed.status == 200
        assert set(_codes(replies)) <= {"ok", "token_invalid"}
        assert person.sessions() == 0
        for minted in (tokens_of(reply) for reply in replies if reply.status == 200):
            assert server.send(me(minted.access)).code == "session_revoked"


def test_one_of_ten_concurrent_confirmations_returns_recovery_codes(server: LiveServer) -> None:
    user = someone()
    access = signed_in(server, user).access
    secret = server.send(ApiRequest("POST", "/mfa/totp", token=access)).data["secret"]
    ask = ApiRequest("POST", "/mfa/totp/confirm", {"code": pyotp.TOTP(secret).now()}, access)

    replies = server.send_at_once([ask] * 10)

    assert _codes(replies) == {"ok": 1, "mfa_already_enabled": 9}
    assert RecoveryCode.objects.filter(user=user).count() == 10
    assert OutboxEmail.objects.filter(user=user, kind="mfa_enabled").count() == 1


def test_a_login_concurrent_with_the_first_confirmation_is_consistent(server: LiveServer) -> None:
    """It is a session from before, or it is asked for the second factor, or it is refused and may be tried again."""
    for _ in range(ROUNDS):
        user = someone()
        access = signed_in(server, user).access
        secret = server.send(ApiRequest("POST", "/mfa/totp", token=access)).data["secret"]
        confirm = ApiRequest("POST", "/mfa/totp/confirm", {"code": pyotp.TOTP(secret).now()}, access)

        confirmed, *logins = server.send_at_once([confirm, *[log_in(user)] * 6])

        assert confirmed.status == 200
        assert set(_codes(logins)) <= {"ok", "invalid_credentials"}
        waiting = [reply for reply in logins if reply.status == 200 and "mfaToken" in reply.data]
        assert PendingLogin.objects.filter(user=user).count() == len(waiting)
        assert "mfaToken" in server.send(log_in(user)).data


def test_a_concurrent_removal_and_verification_leave_a_consistent_account(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        person = Person(server)
        removal = ApiRequest("DELETE", "/mfa/totp", {"password": PASSWORD}, person.access)
        verifying = [_verify(person.pending(), recoveryCode=code) for code in person.recovery_codes[:5]]

        removed, *replies = server.send_at_once([removal, *verifying])

        assert removed.status == 200
        assert set(_codes(replies)) <= {"ok", "token_invalid"}
        assert person.sessions() == 0
        assert not User.objects.get(id=person.user.id).mfa_enabled
        assert not TotpFactor.objects.filter(user=person.user).exists()
