"""Passkeys that are added and removed at once, on a live server: a user always keeps a way to sign in."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.mfa import recovery_links
from accounts.mfa.models import FactorRecovery
from accounts.models import AuditEvent, User
from accounts.passkeys.models import Passkey, PasskeyAuditKind, UsedChallenge
from accounts.passkeys.testing import live_passkey
from accounts.passkeys.testing.stored import store_passkey
from accounts.testing.cast import log_in, signed_in, someone
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer

ROUNDS, USES = 3, 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("passkey-management-races")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


def _user_with_passkeys(server: LiveServer, count: int) -> tuple[User, str]:
    """Return a user who has only passkeys, and the access token of a sign-in by one of them."""
    username, authenticator = live_passkey.sign_up(server)
    User.objects.filter(username=username).update(email_verified_at=timezone.now())
    user = User.objects.get(username=username)
    session = server.send(live_passkey.sign_in(authenticator.get(live_passkey.sign_in_options(server))))
    for _ in range(count - 1):
        store_passkey(user)
    return user, str(session.data["token"])


def test_of_all_passkeys_removed_at_once_one_remains(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        user, token = _user_with_passkeys(server, 4)
        paths = [f"/passkeys/{passkey.id}" for passkey in Passkey.objects.filter(user=user)]

        responses = server.send_at_once([ApiRequest("DELETE", path, None, token) for path in paths])

        assert sorted(response.code for response in responses) == ["last_sign_in_method", "ok", "ok", "ok"]
        assert Passkey.objects.filter(user=user).count() == 1
        assert User.objects.get(id=user.id).mfa_enabled


def test_one_removal_of_a_passkey_is_audited(server: LiveServer) -> None:
    user, token = _user_with_passkeys(server, 2)
    path = f"/passkeys/{Passkey.objects.filter(user=user).last().id}"  # type: ignore[union-attr]

    responses = server.send_at_once([ApiRequest("DELETE", path, None, token)] * 10)

    assert sorted(response.code for response in responses) == ["not_found"] * 9 + ["ok"]
    assert AuditEvent.objects.filter(user_id=user.id, kind=PasskeyAuditKind.REMOVED).count() == 1


def test_one_of_a_hundred_registrations_with_one_challenge_succeeds(server: LiveServer) -> None:
    user = someone()
    token = signed_in(server, user).access
    options = server.send(ApiRequest("POST", "/passkeys/registration/options", None, token)).data["publicKey"]
    authenticator = live_passkey.new_authenticator(server)
    requests = [
        ApiRequest("POST", "/passkeys", {"credential": authenticator.create(options)}, token) for _ in range(USES)
    ]

    responses = server.send_at_once(requests)

    codes = live_passkey.count(responses)
    assert codes["ok"] == 1
    # A request that read its session before the first passkey was added has to prove the new factor.
    assert set(codes) <= {"ok", "passkey_invalid", "reauthentication_required"}
    assert Passkey.objects.filter(user=user).count() == 1
    assert len([response for response in responses if response.code == "ok" and response.data["recoveryCodes"]]) == 1


def test_a_registration_that_races_a_sign_out_everywhere_adds_no_passkey_after_it(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        user = someone()
        token = signed_in(server, user).access
        options = server.send(ApiRequest("POST", "/passkeys/registration/options", None, token)).data["publicKey"]
        credential = live_passkey.new_authenticator(server).create(options)

        added, left = server.send_at_once(
            [
                ApiRequest("POST", "/passkeys", {"credential": credential}, token),
                ApiRequest("POST", "/logout-all", None, token),
            ]
        )

        assert left.code == "ok"
        assert added.code in {"ok", "session_revoked"}
        assert Passkey.objects.filter(user=user).count() == (added.code == "ok")
        assert User.objects.get(id=user.id).mfa_enabled == (added.code == "ok")


def test_a_registration_that_races_the_end_of_a_recovery_leaves_no_passkey(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        user = someone()
        token = signed_in(server, user).access
        options = server.send(ApiRequest("POST", "/passkeys/registration/options", None, token)).data["publicKey"]
        first = live_passkey.new_authenticator(server).create(options)
        assert server.send(ApiRequest("POST", "/passkeys", {"credential": first}, token)).status == 201
        options = server.send(ApiRequest("POST", "/passkeys/registration/options", None, token)).data["publicKey"]
        second = live_passkey.new_authenticator(server).create(options)
        pending = server.send(log_in(user)).data["mfaToken"]
        server.send(ApiRequest("POST", "/mfa/recovery", {"mfaToken": pending}))
        FactorRecovery.objects.filter(user=user).update(available_at=timezone.now())
        completion = recovery_links.completion_token(FactorRecovery.objects.get(user=user))

        completed, added = server.send_at_once(
            [
                ApiRequest("POST", "/mfa/recovery/complete", {"token": completion}),
                ApiRequest("POST", "/passkeys", {"credential": second}, token),
            ]
        )

        assert completed.code == "ok"
        assert added.code in {"ok", "session_revoked"}
        assert not Passkey.objects.filter(user=user).exists()
        assert not User.objects.get(id=user.id).mfa_enabled


def test_used_challenges_are_rows_of_their_own(server: LiveServer) -> None:
    before = UsedChallenge.objects.count()

    _user_with_passkeys(server, 1)

    assert UsedChallenge.objects.count() == before + 1  # the sign-up; the sign-in is used up by its session
