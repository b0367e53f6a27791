"""Invariants under concurrent requests, over real sockets to a server with several threads and processes."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.core import mail
from pytest_django import DjangoDbBlocker

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.models import OutboxEmail, User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, log_in, me, refresh, signed_in, someone, tokens_of
from accounts.testing.emails import code_in, token_in
from core.ids import new_id
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer
from sessions_tracking.models import Session

NEW_PASSWORD = "Another-Horse-8"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("races")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


def test_twenty_refreshes_of_one_token_leave_one_token_family(server: LiveServer) -> None:
    tokens = signed_in(server, someone())

    for _ in range(10):
        responses = server.send_at_once([refresh(tokens.refresh)] * 20)
        assert _codes(responses) == {"ok": 20}
        successors = {tokens_of(response).refresh for response in responses}
        assert len(successors) == 1
        tokens = tokens_of(responses[0])

    assert server.send(refresh(tokens.refresh)).status == 200
    assert server.send(me(tokens.access)).status == 200


def test_twenty_reuses_of_one_token_are_handled_once(server: LiveServer) -> None:
    user = someone()
    stolen = signed_in(server, user).refresh
    current = tokens_of(server.send(refresh(tokens_of(server.send(refresh(stolen))).refresh)))

    responses = server.send_at_once([refresh(stolen)] * 20)

    assert _codes(responses) == {"refresh_token_reused": 1, "session_revoked": 19}
    assert _emails(user, "refresh_token_reused") == 1
    _assert_revoked(server, current)


def _log_out(_user: User, tokens: Tokens, _other: Tokens) -> ApiRequest:
    return ApiRequest("POST", "/logout", token=tokens.access)


def _log_out_everywhere(_user: User, _tokens: Tokens, other: Tokens) -> ApiRequest:
    return ApiRequest("POST", "/logout-all", token=other.access)


def _change_password(_user: User, _tokens: Tokens, other: Tokens) -> ApiRequest:
    return ApiRequest(
        "POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}, other.access
    )


def _reset_password(user: User, _tokens: Tokens, _other: Tokens) -> ApiRequest:
    return _reset(_reset_token(user), NEW_PASSWORD)


def _delete_account(_user: User, _tokens: Tokens, other: Tokens) -> ApiRequest:
    return ApiRequest("DELETE", "/me", {"password": PASSWORD}, other.access)


@pytest.mark.parametrize(
    "end",
    [_log_out, _log_out_everywhere, _change_password, _reset_password, _delete_account],
    ids=lambda end: end.__name__,
)
def test_tokens_of_a_racing_refresh_are_revoked_with_the_session(
    server: LiveServer, end: Callable[[User, Tokens, Tokens], ApiRequest]
) -> None:
    for _ in range(5):
        user = someone()
        tokens, other = signed_in(server, user), signed_in(server, user)

        end_response, *responses = server.send_at_once(
            [end(user, tokens, other), *[refresh(tokens.refresh)] * 6, *[me(tokens.access)] * 3]
        )

        assert end_response.status == 200, end_response
        assert set(_codes(responses)) <= {"ok", "session_revoked"}
        _assert_revoked(server, tokens)
        for minted in {tokens_of(response) for response in responses[:6] if response.status == 200}:
            _assert_revoked(server, minted)


def test_a_login_that_races_a_password_reset_leaves_no_active_session(server: LiveServer) -> None:
    for _ in range(5):
        user = someone()

        reset, *logins = server.send_at_once([_reset(_reset_token(user), NEW_PASSWORD), *[log_in(user)] * 8])

        assert reset.status == 200
        assert set(_codes(logins)) <= {"ok", "invalid_credentials"}
        for minted in (tokens_of(response) for response in logins if response.status == 200):
            _assert_revoked(server, minted)
        assert not user.sessions.filter(revoked_at=None).exists()


def test_concurrent_logins_do_not_exceed_the_session_limit(server: LiveServer) -> None:
    user = someone()

    responses = server.send_at_once([log_in(user)] * 25)

    assert _codes(responses) == {"ok": 25}
    assert user.sessions.filter(revoked_at=None).count() == 20
    assert Counter(server.send(me(tokens_of(response).access)).status for response in responses) == {200: 20, 401: 5}


def test_fifty_sign_ups_with_one_email_create_one_user_and_send_one_email(server: LiveServer) -> None:
    email = f"{new_id().hex}@example.com"

    responses = server.send_at_once([_sign_up(email, f"a{new_id().hex[-20:]}") for _ in range(50)])

    assert _codes(responses) == {"ok": 1, "email_taken": 49}
    assert User.objects.filter(email_key=email).count() == 1
    assert OutboxEmail.objects.filter(recipient=email).count() == 1


def test_twenty_sign_ups_with_one_username_create_one_user(server: LiveServer) -> None:
    name = f"b{new_id().hex[-20:]}"

    responses = server.send_at_once([_sign_up(f"{new_id().hex}@example.com", name) for _ in range(20)])

    assert _codes(responses) == {"ok": 1, "username_taken": 19}
    assert User.objects.filter(username_key=name).count() == 1


def test_twenty_uses_of_the_correct_code_verify_once_and_send_one_welcome_email(server: LiveServer) -> None:
    for _ in range(5):
        user = someone(verified=False)
        outbox.verification(user)
        verification = ApiRequest("POST", "/verify-email", {"email": user.email, "code": code_in(_next_message(user))})

        codes = _codes(server.send_at_once([verification] * 20))

        assert codes["ok"] == 1
        assert set(codes) <= {"ok", "code_invalid", "too_many_attempts"}
        user.refresh_from_db()
        assert user.email_verified
        assert _emails(user, "welcome") == 1


def test_twenty_uses_of_the_link_all_succeed_and_send_one_welcome_email(server: LiveServer) -> None:
    user = someone(verified=False)
    outbox.verification(user)
    token = token_in(_next_message(user))

    responses = server.send_at_once([ApiRequest("GET", f"/verify-email?token={token}&email={user.email}")] * 20)

    assert _codes(responses) == {"ok": 20}
    assert _emails(user, "welcome") == 1


def test_twenty_wrong_codes_count_as_twenty(server: LiveServer) -> None:
    user = someone(verified=False)
    outbox.verification(user)
    correct = code_in(_next_message(user))
    wrong = ApiRequest(
        "POST", "/verify-email", {"email": user.email, "code": "000000" if correct != "000000" else "000001"}
    )

    codes = _codes(server.send_at_once([wrong] * 20))

    assert codes == {"code_invalid": 5, "too_many_attempts": 15}
    assert (
        server.send(ApiRequest("POST", "/verify-email", {"email": user.email, "code": correct})).code
        == "too_many_attempts"
    )


def test_one_of_twenty_uses_of_a_reset_token_sets_the_password(server: LiveServer) -> None:
    for _ in range(3):
        user = someone()
        token = _reset_token(user)
        passwords = [f"Number-{number:02d}-Horse" for number in range(20)]

        responses = server.send_at_once([_reset(token, password) for password in passwords])

        assert _codes(responses) == {"ok": 1, "token_invalid": 19}
        assert _accepted(server, user, passwords) == [_winner(responses, passwords)]
        assert _emails(user, "password_changed") == 1


def test_one_of_ten_concurrent_password_changes_succeeds(server: LiveServer) -> None:
    user = someone()
    access = signed_in(server, user).access
    passwords = [f"Number-{number:02d}-Horse" for number in range(10)]

    responses = server.send_at_once(
        [
            ApiRequest("POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": password}, access)
            for password in passwords
        ]
    )

    assert _codes(responses) == {"ok": 1, "password_incorrect": 9}
    assert _accepted(server, user, [*passwords, PASSWORD]) == [_winner(responses, passwords)]
    assert _emails(user, "password_changed") == 1


def test_one_of_twenty_users_gets_a_contested_username(server: LiveServer) -> None:
    wanted = f"c{new_id().hex[-20:]}"
    tokens = [signed_in(server, someone()).access for _ in range(20)]

    responses = server.send_at_once([ApiRequest("PATCH", "/me", {"username": wanted}, access) for access in tokens])

    assert _codes(responses) == {"ok": 1, "username_taken": 19}
    assert User.objects.filter(username_key=wanted).count() == 1


def test_twenty_deletions_of_one_session_revoke_only_that_session(server: LiveServer) -> None:
    user = someone()
    tokens, deleted = signed_in(server, user), signed_in(server, user)
    session = Session.objects.filter(user=user).latest("created_at")

    responses = server.send_at_once([ApiRequest("DELETE", f"/sessions/{session.id}", token=tokens.access)] * 20)

    assert set(_codes(responses)) <= {"ok", "not_found"}
    assert _codes(responses)["ok"] >= 1
    _assert_revoked(server, deleted)
    assert server.send(me(tokens.access)).status == 200


def _codes(responses: list[ApiResponse]) -> Counter[str]:
    assert max(response.status for response in responses) < 500, responses
    return Counter(response.code for response in responses)


def _assert_revoked(server: LiveServer, tokens: Tokens) -> None:
    assert server.send(me(tokens.access)).code == "session_revoked"
    assert server.send(refresh(tokens.refresh)).code == "session_revoked"


def _sign_up(email: str, username: str) -> ApiRequest:
    return ApiRequest("POST", "/register", {"email": email, "username": username, "password": PASSWORD})


def _reset(token: str, password: str) -> ApiRequest:
    return ApiRequest("POST", "/reset-password", {"token": token, "newPassword": password})


def _reset_token(user: User) -> str:
    assert user.email
    outbox.password_reset(email=user.email, language="en")
    return token_in(_next_message(user))


def _next_message(user: User) -> mail.EmailMessage:
    """Deliver the pending emails in this process and return the user's latest."""
    deliver_due()
    messages: list[mail.EmailMessage] = [message for message in mail.outbox if message.to == [user.email]]
    return messages[-1]


def _emails(user: User, kind: str) -> int:
    return OutboxEmail.objects.filter(user=user, kind=kind).count()


def _accepted(server: LiveServer, user: User, passwords: list[str]) -> list[str]:
    return [password for password in passwords if server.send(log_in(user, password)).status == 200]


def _winner(responses: list[ApiResponse], passwords: list[str]) -> str:
    return next(password for response, password in zip(responses, passwords, strict=True) if response.status == 200)
