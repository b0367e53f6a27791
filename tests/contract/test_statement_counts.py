"""The cost of a request: SQL statements and Redis commands, counted on real connections.

The tests commit for real, so that BEGIN and COMMIT show as a deployment sees them: a reading request and a refresh need no
transaction, and a request that writes more than one row has one.
"""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from accounts.testing.query_counter import Measure, Work
from accounts.testing.second_factor import enrol, verify
from accounts.testing.service_client import make_service
from sessions_tracking.models import Session

pytestmark = pytest.mark.django_db(transaction=True)

USER, SESSION, OUTBOX = "accounts_user", "sessions_tracking_session", "accounts_outboxemail"
SERVICE = "accounts_serviceclient"
ATTEMPTS, AUDIT = "accounts_attemptcounter", "accounts_auditevent"
CHALLENGE, FACTOR = "accounts_pendinglogin", "mfa_totpfactor"


@pytest.fixture
def signed_in(alice: User, sign_in: Callable[..., SignedIn]) -> SignedIn:
    """Return alice's session, with its principal already in Redis."""
    session = sign_in(alice)
    assert session.client.put("/me").status_code == 405
    return session


def test_an_authenticated_request_costs_one_redis_command_and_no_sql(signed_in: SignedIn, measure: Measure) -> None:
    # /me has no PUT: the request passes authentication and permissions, and no view reads a row.
    work = measure(lambda: signed_in.client.put("/me"))

    assert work == Work(redis=[["GET"]])


def test_the_first_request_of_a_session_reads_one_row_and_caches_it(
    alice: User, sign_in: Callable[..., SignedIn], measure: Measure
) -> None:
    fresh = sign_in(alice)

    work = measure(lambda: fresh.client.put("/me"))

    assert work == Work(sql=[f"SELECT {SESSION}"], redis=[["GET"], ["SET"]])


def test_a_revoked_token_is_rejected_from_the_cache(signed_in: SignedIn, measure: Measure) -> None:
    signed_in.client.post("/logout")

    work = measure(lambda: signed_in.client.put("/me"))

    assert work == Work(redis=[["GET"]])


def test_a_forged_token_costs_neither_sql_nor_redis(api: ApiClient, db: None, measure: Measure) -> None:
    assert measure(lambda: api.bearing("a.b.c").get("/me")) == Work()


def test_forward_auth_costs_one_redis_command_and_no_sql(signed_in: SignedIn, measure: Measure) -> None:
    assert measure(lambda: signed_in.client.get("/forward-auth")) == Work(redis=[["GET"]])
    signed_in.client.post("/logout")

    assert measure(lambda: signed_in.client.get("/forward-auth")) == Work(redis=[["GET"]])


def test_an_introspection_costs_one_query_and_one_redis_command(signed_in: SignedIn, measure: Measure) -> None:
    billing = make_service()
    billing.introspect(signed_in.access)  # records the use, at most once an hour

    assert measure(lambda: billing.introspect(signed_in.access)) == Work(sql=[f"SELECT {SERVICE}"], redis=[["GET"]])


def test_me_reads_user_and_sessions_in_one_query(signed_in: SignedIn, measure: Measure) -> None:
    # The fast path needs only this statement (tests/contract/test_fast_me.py), which checks the session, too.
    work = measure(lambda: signed_in.client.get("/me"))

    assert work == Work(sql=[f"SELECT {USER}"], redis=[["GET"]])


def test_a_session_list_of_any_length_is_one_statement(
    signed_in: SignedIn, sign_in: Callable[..., SignedIn], measure: Measure
) -> None:
    for _ in range(5):
        sign_in(signed_in.user)

    assert measure(lambda: signed_in.client.get("/sessions")) == Work(sql=[f"SELECT {SESSION}"], redis=[["GET"]])
    assert measure(lambda: signed_in.client.get(f"/sessions/{signed_in.session_id}")).sql == [f"SELECT {SESSION}"]


def test_a_refresh_is_one_statement_without_transaction_or_redis(
    signed_in: SignedIn, api: ApiClient, measure: Measure
) -> None:
    # The conditional UPDATE needs no lock held by a transaction; its RETURNING holds session and user.
    work = measure(lambda: api.post("/refresh", {"refreshToken": signed_in.refresh}))

    assert work == Work(sql=[f"UPDATE {SESSION}"])


def test_a_refresh_repeated_within_the_grace_period_writes_nothing(
    signed_in: SignedIn, api: ApiClient, measure: Measure
) -> None:
    api.post("/refresh", {"refreshToken": signed_in.refresh})
    before = Session.objects.values().get()

    work = measure(lambda: api.post("/refresh", {"refreshToken": signed_in.refresh}))

    assert work == Work(sql=[f"UPDATE {SESSION}", f"SELECT {SESSION}"])  # the UPDATE matches no row
    assert Session.objects.values().get() == before


def test_a_login_is_at_most_seven_statements_in_one_transaction(
    alice: User, sign_in: Callable[..., SignedIn], measure: Measure, settings: Settings
) -> None:
    settings.MAX_SESSIONS_PER_USER = 2
    for _ in range(2):
        sign_in(alice)

    # The worst case: an unknown device, and a session over the limit, revoked in Redis after the commit.
    work = measure(lambda: _log_in("Wget/1.21"))

    over_limit = [f"SELECT {SESSION}", f"UPDATE {SESSION}"]
    written = [f"INSERT {SESSION}", f"INSERT {OUTBOX}", f"INSERT {AUDIT}"]
    assert work.sql == [f"SELECT {USER}", f"UPDATE {USER}", *over_limit, *written]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == [["SET"]]


def test_a_usual_login_is_five_statements(alice: User, sign_in: Callable[..., SignedIn], measure: Measure) -> None:
    sign_in(alice)

    work = measure(lambda: _log_in(CHROME))

    looked_up = [f"SELECT {USER}", f"UPDATE {USER}", f"SELECT {SESSION}"]
    assert work.sql == [*looked_up, f"INSERT {SESSION}", f"INSERT {AUDIT}"]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == []


def test_a_login_that_waits_for_the_second_factor_writes_one_row(signed_in: SignedIn, measure: Measure) -> None:
    enrol(signed_in)

    work = measure(lambda: _log_in(CHROME))

    # The last statement reads which factors the user has, from the tables of all capabilities.
    assert work.sql == [f"SELECT {USER}", f"INSERT {CHALLENGE}", f"SELECT {USER}"]
    assert work.redis == []


def test_a_second_factor_is_verified_in_one_transaction_that_locks_the_user(
    signed_in: SignedIn, measure: Measure
) -> None:
    alice_with_totp = enrol(signed_in)
    token = alice_with_totp.pending()

    work = measure(lambda: verify(token, ApiClient(HTTP_USER_AGENT=CHROME), code=alice_with_totp.app.code()))

    # The challenge's user, that user's lock, the challenge and the factor, both consumed; then the rows of every login.
    verification = [
        f"SELECT {CHALLENGE}",
        f"SELECT {USER}",
        f"SELECT {CHALLENGE}",
        f"SELECT {FACTOR}",
        f"UPDATE {FACTOR}",
    ]
    login = [f"UPDATE {USER}", f"SELECT {SESSION}", f"INSERT {SESSION}", f"INSERT {AUDIT}"]
    assert work.sql == [*verification, f"UPDATE {CHALLENGE}", *login]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == []


@pytest.mark.parametrize("name", ["alice", "unknown"])
def test_a_failed_login_costs_the_same_for_any_username(alice: User, measure: Measure, name: str) -> None:
    work = measure(lambda: ApiClient().post("/login", {"username": name, "password": "Wrong-Horse-7"}))

    assert work == Work(sql=[f"SELECT {USER}", f"INSERT {AUDIT}"])


def test_a_registration_writes_user_and_email_in_one_transaction(db: None, api: ApiClient, measure: Measure) -> None:
    body = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}

    work = measure(lambda: api.post("/register", body))

    statements = [f"SELECT {USER}", f"INSERT {USER}", f"DELETE {ATTEMPTS}", f"INSERT {OUTBOX}", f"INSERT {AUDIT}"]
    assert work == Work(sql=statements, frames=["BEGIN", "COMMIT"])


def test_a_logout_is_two_statements_and_updates_redis_after_the_commit(signed_in: SignedIn, measure: Measure) -> None:
    work = measure(lambda: signed_in.client.post("/logout"))

    assert work.sql == [f"UPDATE {SESSION}", f"INSERT {AUDIT}"]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == [["GET"], ["SET"]]


def test_revoking_many_sessions_is_four_statements_and_one_redis_round_trip(
    signed_in: SignedIn, sign_in: Callable[..., SignedIn], measure: Measure
) -> None:
    for _ in range(4):
        sign_in(signed_in.user)

    work = measure(lambda: signed_in.client.post("/logout-all"))

    assert work.sql == [f"UPDATE {USER}", f"UPDATE {SESSION}", f"SELECT {SESSION}", f"INSERT {AUDIT}"]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == [["GET"], ["SET"] * 5]


def test_the_limits_of_a_login_cost_two_redis_commands_and_no_sql(
    alice: User, sign_in: Callable[..., SignedIn], measure: Measure, limits_on: Settings
) -> None:
    sign_in(alice)
    limits_on.RATE_LIMITS = False
    without = measure(lambda: _log_in(CHROME))
    limits_on.RATE_LIMITS = True

    work = measure(lambda: _log_in(CHROME))

    # One script counts the IP and reserves the attempt; a correct password resets the failures of user and IP.
    assert work.redis == [["EVALSHA"], ["DEL"]]
    assert (work.sql, work.frames) == (without.sql, without.frames)


def test_a_wrong_password_is_counted_by_two_redis_commands(alice: User, measure: Measure, limits_on: Settings) -> None:
    wrong = {"username": "alice", "password": "Wrong-Horse-7"}
    ApiClient().post("/login", wrong)  # loads the scripts into Redis

    assert measure(lambda: ApiClient().post("/login", wrong)).redis == [["EVALSHA"]] * 2


def test_a_delayed_attempt_costs_one_query_and_one_redis_command(
    alice: User, measure: Measure, limits_on: Settings
) -> None:
    wrong = {"username": "alice", "password": "Wrong-Horse-7"}
    for _ in range(5):
        ApiClient().post("/login", wrong)

    work = measure(lambda: ApiClient().post("/login", wrong))

    assert work == Work(sql=[f"SELECT {USER}"], redis=[["EVALSHA"]])


def test_the_limit_of_a_refresh_costs_one_redis_command(
    signed_in: SignedIn, api: ApiClient, measure: Measure, limits_on: Settings
) -> None:
    api.post("/refresh", {"refreshToken": signed_in.refresh})  # loads the script into Redis

    work = measure(lambda: api.post("/refresh", {"refreshToken": signed_in.refresh}))

    assert work == Work(sql=[f"UPDATE {SESSION}", f"SELECT {SESSION}"], redis=[["EVALSHA"]])


def _log_in(agent: str) -> None:
    response = ApiClient(HTTP_USER_AGENT=agent).post("/login", {"username": "alice", "password": PASSWORD})
    assert response.status_code == 200, response.content
