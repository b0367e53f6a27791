"""A take-over races with requests of the former holder. Afterwards none of their credentials works."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.models import User
from accounts.passwords import hashing
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import log_in, refresh, signed_in, someone
from accounts.testing.emails import token_in
from accounts.testing.second_factor import AuthenticatorApp
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer
from sessions_tracking.models import Session

NEW = "Another-Horse-8"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("take-over")
    optional = {"EMAIL_VERIFICATION": "optional"}
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder, **optional) as running:
        yield running


def _reset_token(user: User) -> str:
    outbox.password_reset(email=str(user.email), language="en")
    deliver_due(seconds=30)
    return token_in([message for message in mail.outbox if message.to == [user.email]][-1])


@pytest.mark.parametrize("attempt", range(5))
def test_a_reset_wins_against_concurrent_requests_of_the_former_holder(server: LiveServer, attempt: int) -> None:
    user = someone(verified=False)
    tokens = signed_in(server, user)
    secret = server.send(ApiRequest("POST", "/mfa/totp", token=tokens.access)).data["secret"]
    token = _reset_token(user)
    attacks = [
        log_in(user),
        refresh(tokens.refresh),
        ApiRequest("POST", "/mfa/totp/confirm", {"code": AuthenticatorApp(secret).code(-1)}, token=tokens.access),
        ApiRequest("POST", "/mfa/totp", token=tokens.access),
    ]

    responses = server.send_at_once(
        [*attacks, ApiRequest("POST", "/reset-password", {"token": token, "newPassword": NEW}), *attacks]
    )

    assert responses[len(attacks)].status == 200
    stored = User.objects.get(id=user.id)
    assert (stored.mfa_enabled, stored.email_verified) == (False, True)
    assert not Session.objects.filter(user=user, revoked_at=None).exists()
    assert not hasattr(stored, "totp_factor")
    assert server.send(log_in(user)).status == 401
    assert server.send(ApiRequest("POST", "/login", {"email": user.email, "password": NEW})).data["tokens"]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no row locks to wait for")
def test_a_deletion_that_waited_for_a_new_password_deletes_nothing(server: LiveServer) -> None:
    user = someone()
    tokens = signed_in(server, user)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            User.objects.select_for_update().get(id=user.id)
            deletion = pool.submit(
                server.send, ApiRequest("DELETE", "/me", {"password": PASSWORD}, token=tokens.access)
            )
            _wait_for_a_blocked_lock()
            User.objects.filter(id=user.id).update(password=hashing.make(NEW))
        response = deletion.result()

    assert (response.status, response.code) == (400, "password_incorrect")
    assert server.send(ApiRequest("POST", "/login", {"username": user.username, "password": NEW})).data["tokens"]


def _wait_for_a_blocked_lock() -> None:
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("The deletion has not waited for the row.")
