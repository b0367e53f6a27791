"""The cost of passkeys in SQL statements and Redis commands, on real connections with commits."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from accounts.testing.query_counter import Measure, Work

pytestmark = pytest.mark.django_db(transaction=True)

USER, SESSION, AUDIT = "accounts_user", "sessions_tracking_session", "accounts_auditevent"
PASSKEY, PENDING = "passkeys_passkey", "accounts_pendinglogin"


def _sign_in(alice: UserWithPasskey) -> Callable[[], object]:
    """Return a sign-in whose assertion is ready, from the device that alice uses."""
    credential = alice.authenticator.get(passkey_client.sign_in_options())
    return lambda: passkey_client.send_assertion(credential, ApiClient(HTTP_USER_AGENT=CHROME))


def _writes(work: Work) -> list[str]:
    return [statement for statement in work.sql if not statement.startswith("SELECT")]


def test_a_sign_in_by_passkey_is_six_statements_in_one_transaction(
    alice_with_passkey: UserWithPasskey, measure: Measure
) -> None:
    work = measure(_sign_in(alice_with_passkey))

    login = [f"UPDATE {USER}", f"SELECT {SESSION}", f"INSERT {SESSION}", f"INSERT {AUDIT}"]
    assert work == Work(sql=[f"SELECT {PASSKEY}", *login, f"UPDATE {PASSKEY}"], frames=["BEGIN", "COMMIT"])


def test_a_sign_in_by_passkey_costs_one_write_more_than_by_password_and_no_redis_command_more(
    alice_with_passkey: UserWithPasskey,
    mallory: User,
    sign_in: Callable[..., SignedIn],
    measure: Measure,
    limits_on: Settings,
) -> None:
    sign_in(mallory)
    body = {"username": "mallory", "password": PASSWORD}

    by_password = measure(lambda: ApiClient(HTTP_USER_AGENT=CHROME).post("/login", body))
    by_passkey = measure(_sign_in(alice_with_passkey))

    assert _writes(by_passkey) == [*_writes(by_password), f"UPDATE {PASSKEY}"]
    assert len(by_passkey.sql) == len(by_password.sql) + 1
    assert (by_password.redis, by_passkey.redis) == ([["EVALSHA"], ["DEL"]], [["EVALSHA"]])


def test_the_options_of_a_sign_in_cost_neither_sql_nor_redis(db: None, measure: Measure) -> None:
    assert measure(passkey_client.sign_in_options) == Work()


def test_the_options_of_a_sign_in_cost_the_redis_command_of_their_limit(
    db: None, measure: Measure, limits_on: Settings
) -> None:
    passkey_client.sign_in_options()  # loads the script into Redis

    assert measure(passkey_client.sign_in_options) == Work(redis=[["EVALSHA"]])


def test_the_options_of_a_sign_up_look_up_no_account(alice: User, measure: Measure) -> None:
    assert measure(lambda: passkey_client.sign_up_options(email="alice@example.com", username="alice")) == Work()


def test_a_passkey_as_the_second_factor_costs_as_many_statements_as_a_code(
    alice_with_passkey: UserWithPasskey, measure: Measure
) -> None:
    body = {"username": "alice", "password": PASSWORD}
    token = ApiClient().post("/login", body).json()["data"]["mfaToken"]
    credential = alice_with_passkey.authenticator.get(passkey_client.second_factor_options(token))
    client = ApiClient(HTTP_USER_AGENT=CHROME)

    work = measure(lambda: client.post("/mfa/verify", {"mfaToken": token, "credential": credential}))

    verification = [
        f"SELECT {PENDING}",
        f"SELECT {USER}",
        f"SELECT {PENDING}",
        f"SELECT {PASSKEY}",
        f"UPDATE {PASSKEY}",
    ]
    login = [f"UPDATE {USER}", f"SELECT {SESSION}", f"INSERT {SESSION}", f"INSERT {AUDIT}"]
    assert work == Work(sql=[*verification, f"UPDATE {PENDING}", *login], frames=["BEGIN", "COMMIT"])


def test_a_replayed_assertion_writes_its_audit_event_only(
    alice_with_passkey: UserWithPasskey, measure: Measure
) -> None:
    replay = _sign_in(alice_with_passkey)
    replay()

    work = measure(replay)

    assert work.frames == ["BEGIN", "ROLLBACK"]
    assert work.sql[-2:] == [f"SELECT {SESSION}", f"INSERT {AUDIT}"]
    assert work.redis == []
