"""Concurrent uses of one challenge against a live server: of a hundred, one succeeds."""

from collections import Counter
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import AuditEvent, User
from accounts.passkeys.models import Passkey, PasskeyAuditKind, UsedChallenge
from accounts.passkeys.testing import live_passkey, live_user
from accounts.passkeys.testing.live_user import LiveUser
from accounts.testing.api_client import PASSWORD
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer

USES = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("passkey-races")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


def test_one_of_a_hundred_sign_ins_with_one_assertion_succeeds(server: LiveServer) -> None:
    live = live_user.sign_up(server)

    codes = live_passkey.use_in_parallel(server, live.authenticator, uses=USES)

    assert codes == {"ok": 1, "passkey_invalid": USES - 1}
    assert live.user.sessions.count() == 1


def test_one_of_a_hundred_sign_ins_of_two_users_with_one_challenge_succeeds(server: LiveServer) -> None:
    users = [live_user.sign_up(server) for _ in range(2)]
    options = live_passkey.sign_in_options(server)
    requests = [live_passkey.sign_in(live.authenticator.get(options)) for live in users]

    codes = live_passkey.count(server.send_at_once(requests * (USES // 2)))

    assert codes == {"ok": 1, "passkey_invalid": USES - 1}
    assert sum(live.user.sessions.count() for live in users) == 1


def test_one_of_a_hundred_sign_ups_with_one_credential_and_the_same_fields_succeeds(server: LiveServer) -> None:
    request = live_passkey.registration(
        fields := live_passkey.new_fields(), live_passkey.new_credential(server, live_passkey.new_authenticator(server))
    )

    codes = live_passkey.count(server.send_at_once([request] * USES))

    assert codes["ok"] == 1
    assert set(codes) <= {"ok", "username_taken", "email_taken"}
    user = User.objects.get(username=fields["username"])
    assert Passkey.objects.filter(user=user).count() == 1


def test_one_of_a_hundred_sign_ups_with_one_credential_and_different_fields_succeeds(server: LiveServer) -> None:
    credential = live_passkey.new_credential(server, live_passkey.new_authenticator(server))
    before = _rows()

    codes = live_passkey.count(
        server.send_at_once([live_passkey.registration(live_passkey.new_fields(), credential) for _ in range(USES)])
    )

    assert codes["ok"] == 1
    assert set(codes) <= {"ok", "passkey_invalid", "passkey_exists"}
    assert _rows() == {model: count + 1 for model, count in before.items()}


def test_one_of_a_hundred_uses_of_a_second_factor_completes_the_login(server: LiveServer) -> None:
    live = live_user.sign_up(server)
    live.user.set_password(PASSWORD)
    live.user.save()
    token = server.send(ApiRequest("POST", "/login", {"username": live.user.username, "password": PASSWORD})).data[
        "mfaToken"
    ]
    options = server.send(ApiRequest("POST", "/mfa/passkey/options", {"mfaToken": token})).data["publicKey"]
    request = ApiRequest("POST", "/mfa/verify", {"mfaToken": token, "credential": live.authenticator.get(options)})

    codes = live_passkey.count(server.send_at_once([request] * USES))

    assert codes == {"ok": 1, "token_invalid": USES - 1}
    assert live.user.sessions.count() == 1


def test_one_of_a_hundred_uses_of_a_step_up_succeeds(server: LiveServer) -> None:
    live = live_user.sign_up(server)
    access = server.send(_sign_in(server, live)).data["token"]
    options = server.send(ApiRequest("POST", "/reauthenticate/options", token=access)).data["publicKey"]
    request = ApiRequest("POST", "/reauthenticate", {"credential": live.authenticator.get(options)}, access)

    codes = live_passkey.count(server.send_at_once([request] * USES))

    assert codes["ok"] == 1
    assert set(codes) <= {"ok", "passkey_invalid", "too_many_attempts"}


def test_one_of_a_hundred_registrations_with_one_challenge_succeeds(server: LiveServer) -> None:
    live = live_user.sign_up(server)
    access = server.send(_sign_in(server, live)).data["token"]
    options = server.send(ApiRequest("POST", "/passkeys/registration/options", token=access)).data["publicKey"]
    credentials = [live_passkey.new_authenticator(server).create(options) for _ in range(USES)]

    codes = live_passkey.count(
        server.send_at_once([ApiRequest("POST", "/passkeys", {"credential": each}, access) for each in credentials])
    )

    assert codes == {"ok": 1, "passkey_invalid": USES - 1}
    assert Passkey.objects.filter(user=live.user).count() == 2


def test_sign_ins_with_the_same_counter_at_once_all_succeed(server: LiveServer) -> None:
    live = live_user.sign_up(server)
    requests = [_sign_in_with_counter(server, live, 7) for _ in range(10)]

    codes = live_passkey.count(server.send_at_once(requests))

    assert codes == {"ok": 10}
    assert Passkey.objects.get(user=live.user).sign_count == 7
    assert not AuditEvent.objects.filter(user_id=live.user.id, kind=PasskeyAuditKind.COUNTER_DECREASED).exists()


def test_the_largest_of_concurrent_counters_is_stored(server: LiveServer) -> None:
    live = live_user.sign_up(server)
    requests = [_sign_in_with_counter(server, live, counter) for counter in range(1, 21)]

    codes = live_passkey.count(server.send_at_once(requests))

    assert codes == {"ok": 20}
    assert Passkey.objects.get(user=live.user).sign_count == 20


def test_a_sign_in_that_races_a_deactivation_leaves_no_active_session(server: LiveServer) -> None:
    live = live_user.sign_up(server)
    admin = live_user.sign_up(server)
    User.objects.filter(id=admin.user.id).update(role="ADMIN")
    access = server.send(_sign_in(server, admin)).data["token"]
    deactivation = ApiRequest("PATCH", f"/users/{live.user.id}", {"isActive": False}, access)
    sign_ins = [_sign_in(server, live) for _ in range(10)]

    deactivated, *responses = server.send_at_once([deactivation, *sign_ins])

    assert deactivated.status == 200
    assert set(live_passkey.count(responses)) <= {"ok", "passkey_invalid"}
    assert not live.user.sessions.filter(revoked_at=None).exists()


def _sign_in(server: LiveServer, live: LiveUser) -> ApiRequest:
    return live_passkey.sign_in(live.authenticator.get(live_passkey.sign_in_options(server)))


def _sign_in_with_counter(server: LiveServer, live: LiveUser, counter: int) -> ApiRequest:
    return live_passkey.sign_in(live.authenticator.get(live_passkey.sign_in_options(server), counter=counter))


def _rows() -> Counter[str]:
    return Counter({model.__name__: model.objects.count() for model in (User, Passkey, UsedChallenge)})
