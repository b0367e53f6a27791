"""Concurrent email changes against a live server."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.core import mail
from pytest_django import DjangoDbBlocker

from accounts.mail.delivery import deliver_due
from accounts.models import AuditEvent, AuditKind, EmailChange, OutboxEmail, User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, me, signed_in, someone
from accounts.testing.emails import code_in, token_in
from core.ids import new_id
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer


@dataclass(frozen=True)
class Change:
    """A pending email change. `undo_token` was sent to the old email."""

    user: User
    tokens: Tokens
    email: str
    code: str
    undo_token: str

    @property
    def confirm(self) -> ApiRequest:
        return ApiRequest("POST", "/change-email/confirm", {"code": self.code}, self.tokens.access)

    @property
    def undo(self) -> ApiRequest:
        return ApiRequest("POST", "/change-email/undo", {"token": self.undo_token})

    @property
    def current_email(self) -> str | None:
        return User.objects.get(id=self.user.id).email


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("email-races")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


def test_one_of_twenty_confirmations_wins_and_notifies_the_old_email_once(server: LiveServer) -> None:
    for _ in range(3):
        change = _pending(server)

        codes = _codes(server.send_at_once([change.confirm] * 20))

        assert codes["ok"] == 1
        assert set(codes) <= {"ok", "code_invalid", "too_many_attempts"}
        assert change.current_email == change.email
        assert OutboxEmail.objects.filter(user=change.user, kind="email_changed").count() == 1
        assert _events(change.user, AuditKind.EMAIL_CHANGED) == 1


def test_twenty_wrong_codes_count_as_twenty(server: LiveServer) -> None:
    change = _pending(server)
    wrong = ApiRequest(
        "POST",
        "/change-email/confirm",
        {"code": "000000" if change.code != "000000" else "000001"},
        change.tokens.access,
    )

    assert _codes(server.send_at_once([wrong] * 20)) == {"code_invalid": 5, "too_many_attempts": 15}
    assert server.send(change.confirm).code == "too_many_attempts"
    assert change.current_email == change.user.email


def test_an_email_goes_to_one_of_the_accounts_that_request_it(server: LiveServer) -> None:
    for _ in range(5):
        change = _pending(server)
        name = f"s{new_id().hex[-20:]}"
        sign_up = ApiRequest("POST", "/register", {"email": change.email, "username": name, "password": PASSWORD})

        confirmed, registered = server.send_at_once([change.confirm, sign_up])

        assert sorted(_codes([confirmed, registered])) == ["email_taken", "ok"]
        assert User.objects.filter(email_key=change.email).count() == 1
        assert (change.current_email == change.email) is (confirmed.code == "ok")


def test_two_accounts_that_request_one_email_do_not_share_it(server: LiveServer) -> None:
    email = f"{new_id().hex}@example.org"
    changes = [_pending(server, email) for _ in range(5)]

    responses = server.send_at_once([change.confirm for change in changes])

    assert _codes(responses) == {"ok": 1, "email_taken": 4}
    assert User.objects.filter(email_key=email).count() == 1


def test_after_an_undo_the_email_is_the_old_one_in_either_order(server: LiveServer) -> None:
    for _ in range(8):
        change = _pending(server)

        undone, confirmed = server.send_at_once([change.undo, change.confirm])

        assert undone.code == "ok"
        assert confirmed.code in {"ok", "code_invalid", "session_revoked"}
        assert change.current_email == change.user.email
        assert server.send(me(change.tokens.access)).code == "session_revoked"
        assert server.send(change.undo).code == "token_invalid"


def test_one_of_twenty_uses_of_the_undo_link_succeeds(server: LiveServer) -> None:
    change = _pending(server)
    server.send(change.confirm)

    codes = _codes(server.send_at_once([change.undo] * 20))

    assert codes == {"ok": 1, "token_invalid": 19}
    assert change.current_email == change.user.email
    assert _events(change.user, AuditKind.EMAIL_CHANGE_UNDONE) == 1
    assert OutboxEmail.objects.filter(kind="reset_password", recipient=change.user.email).count() == 1


def test_one_of_ten_concurrent_requests_is_pending(server: LiveServer) -> None:
    user = someone()
    access = signed_in(server, user).access

    responses = server.send_at_once([_change_request(access, f"{new_id().hex}@example.org") for _ in range(10)])

    assert _codes(responses) == {"ok": 10}
    assert EmailChange.objects.pending().filter(user=user).count() == 1


def _pending(server: LiveServer, email: str = "") -> Change:
    user, email = someone(), email or f"{new_id().hex}@example.org"
    tokens = signed_in(server, user)
    assert server.send(_change_request(tokens.access, email)).code == "ok"
    deliver_due(seconds=30)
    (notice,) = (message for message in mail.outbox if message.to == [user.email])
    code = [message for message in mail.outbox if message.to == [email]][-1]
    return Change(user=user, tokens=tokens, email=email, code=code_in(code), undo_token=token_in(notice))


def _change_request(access: str, email: str) -> ApiRequest:
    return ApiRequest("POST", "/change-email", {"newEmail": email, "password": PASSWORD}, access)


def _codes(responses: list[ApiResponse]) -> Counter[str]:
    assert max(response.status for response in responses) < 500, responses
    return Counter(response.code for response in responses)


def _events(user: User, kind: AuditKind) -> int:
    return AuditEvent.objects.filter(user_id=user.id, kind=kind).count()
