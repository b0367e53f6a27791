"""Emailed codes in parallel, over real sockets: each works once, and only while the account allows it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from pytest_django import DjangoDbBlocker

from accounts.mail.delivery import deliver_due
from accounts.models import OutboxEmail, PendingLogin, User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import log_in, me, signed_in, someone, tokens_of
from accounts.testing.emails import code_in, token_in
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer
from sessions_tracking.models import Session

ROUNDS = 3
NEW = "Another-Horse-8"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("login-code-races")
    optional = {"EMAIL_VERIFICATION": "optional"}
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder, **optional) as running:
        yield running


@dataclass(frozen=True)
class Requested:
    login_token: str
    message: EmailMessage

    def by_code(self, code: str | None = None) -> ApiRequest:
        body = {"loginToken": self.login_token, "code": code or code_in(self.message)}
        return ApiRequest("POST", "/login/code/verify", body)

    def by_link(self) -> ApiRequest:
        body = {"loginToken": self.login_token, "token": token_in(self.message)}
        return ApiRequest("POST", "/login/code/verify", body)

    def wrong(self) -> ApiRequest:
        return self.by_code("000000" if code_in(self.message) != "000000" else "111111")


def _request(server: LiveServer, user: User) -> Requested:
    response = server.send(ApiRequest("POST", "/login/code", {"email": user.email}))
    return Requested(response.data["loginToken"], _sent(user))


def _sent(user: User) -> EmailMessage:
    deliver_due(seconds=30)
    return [message for message in mail.outbox if message.to == [user.email]][-1]


def _codes(responses: list[ApiResponse]) -> Counter[str]:
    assert max(response.status for response in responses) < 500, responses
    return Counter(response.code for response in responses)


def _live_sessions(user: User) -> int:
    return Session.objects.filter(user=user, revoked_at=None).count()


def test_one_of_twenty_uses_of_code_and_link_signs_in(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        user = someone()
        requested = _request(server, user)

        responses = server.send_at_once([requested.by_code()] * 5 + [requested.by_link()] * 15)

        counted = _codes(responses)
        assert (counted["ok"], _live_sessions(user)) == (1, 1)
        assert counted["code_invalid"] + counted["too_many_attempts"] == 19


def test_twenty_concurrent_wrong_codes_count_as_five(server: LiveServer) -> None:
    user = someone()
    requested = [_request(server, user) for _ in range(4)]

    responses = server.send_at_once([each.wrong() for each in requested] * 5)

    assert _codes(responses) == {"code_invalid": 5, "too_many_attempts": 15}
    assert server.send(requested[0].by_code()).code == "too_many_attempts"
    assert server.send(requested[0].by_link()).code == "ok"


def test_a_reset_that_races_a_code_leaves_no_session(server: LiveServer) -> None:
    """Either the code comes first, and the reset ends its session; or the reset does, and invalidates the code."""
    for _ in range(ROUNDS):
        user = someone()
        requested = [_request(server, user) for _ in range(3)]
        server.send(ApiRequest("POST", "/forgot-password", {"email": user.email}))
        reset = ApiRequest("POST", "/reset-password", {"token": token_in(_sent(user)), "newPassword": NEW})

        done, *responses = server.send_at_once([reset, *(each.by_link() for each in requested)])

        assert done.status == 200
        assert set(_codes(responses)) <= {"ok", "code_invalid"}
        assert _live_sessions(user) == 0
        for response in responses:
            if response.status == 200:
                assert server.send(me(tokens_of(response).access)).code == "session_revoked"


def test_a_deactivation_that_races_a_code_leaves_no_session(server: LiveServer) -> None:
    admin = someone()
    User.objects.filter(id=admin.id).update(role="ADMIN")
    access = signed_in(server, admin).access
    for _ in range(ROUNDS):
        user = someone()
        requested = [_request(server, user) for _ in range(3)]
        deactivation = ApiRequest("PATCH", f"/users/{user.id}", {"isActive": False}, access)

        done, *responses = server.send_at_once([deactivation, *(each.by_link() for each in requested)])

        assert done.status == 200, done
        assert set(_codes(responses)) <= {"ok", "code_invalid"}
        assert _live_sessions(user) == 0


def test_a_take_over_that_races_the_former_holder_leaves_the_claimants_session_alone(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        user = someone(verified=False)
        tokens = signed_in(server, user)
        requested = _request(server, user)
        attacks = [log_in(user), ApiRequest("POST", "/mfa/totp", token=tokens.access), log_in(user)]

        responses = server.send_at_once([*attacks, requested.by_link(), *attacks])

        assert responses[len(attacks)].status == 200
        stored = User.objects.get(id=user.id)
        assert (stored.has_usable_password(), stored.email_verified) == (False, True)
        assert list(Session.objects.filter(user=user, revoked_at=None).values_list("amr", flat=True)) == ["email"]
        assert not PendingLogin.objects.filter(user=user, ended_at=None).exists()
        assert server.send(log_in(user)).status == 401


def test_a_take_over_that_races_the_registrations_own_verification_happens_or_not_as_a_whole(
    server: LiveServer,
) -> None:
    for number in range(ROUNDS * 2):
        name, email = f"racer-{number}", f"racer-{number}@example.com"
        server.send(ApiRequest("POST", "/register", {"email": email, "username": name, "password": PASSWORD}))
        user = User.objects.get(email=email)
        own = ApiRequest("POST", "/verify-email", {"email": email, "code": code_in(_sent(user))})
        requested = _request(server, user)

        verified, signed = server.send_at_once([own, requested.by_link()])

        assert signed.status == 200
        stored = User.objects.get(id=user.id)
        is_claimed = stored.username != name
        assert is_claimed is not stored.has_usable_password()
        assert verified.code == ("code_invalid" if is_claimed else "ok")
        assert OutboxEmail.objects.filter(user=user, kind="welcome").count() == 1
