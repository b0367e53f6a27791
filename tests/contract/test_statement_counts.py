"""What a request costs: every SQL statement and every trip to Redis, counted on real connections.

The tests commit for real, so that BEGIN and COMMIT show as a deployment sees them: a reading request and a refresh need no
transaction, and what writes more than one row has one.
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
def here(alice: User, sign_in: Callable[..., SignedIn]) -> SignedIn:
    """alice, signed in, her principal in Redis already."""
    signed_in = sign_in(alice)
    assert signed_in.client.put("/me").status_code == 405
    return signed_in


def test_an_authenticated_request_costs_one_redis_command_and_no_sql(here: SignedIn, measure: Measure) -> None:
    # /me knows no PUT: the request passes authentication and permissions, and no view asks for a row.
    work = measure(lambda: here.client.put("/me"))

    assert work == Work(redis=[["GET"]])


def test_the_first_request_of_a_session_reads_one_row_and_caches_it(
    alice: User, sign_in: Callable[..., SignedIn], measure: Measure
) -> None:
    fresh = sign_in(alice)

    work = measure(lambda: fresh.client.put("/me"))

    assert work == Work(sql=[f"SELECT {SESSION}"], redis=[["GET"], ["SET"]])


def test_a_revoked_token_is_rejected_from_the_cache(here: SignedIn, measure: Measure) -> None:
    here.client.post("/logout")

    work = measure(lambda: here.client.put("/me"))

    assert work == Work(redis=[["GET"]])


def test_a_forged_token_costs_neither_sql_nor_redis(api: ApiClient, db: None, measure: Measure) -> None:
    assert measure(lambda: api.bearing("a.b.c").get("/me")) == Work()


def test_forward_auth_costs_one_redis_command_and_no_sql(here: SignedIn, measure: Measure) -> None:
    assert measure(lambda: here.client.get("/forward-auth")) == Work(redis=[["GET"]])
    here.client.post("/logout")

    assert measure(lambda: here.client.get("/forward-auth")) == Work(redis=[["GET"]])


def test_an_introspection_costs_one_query_and_one_redis_command(here: SignedIn, measure: Measure) -> None:
    billing = make_service()
    billing.introspect(here.access)  # notes the use, at most once an hour

    assert measure(lambda: billing.introspect(here.access)) == Work(sql=[f"SELECT {SERVICE}"], redis=[["GET"]])


def test_me_reads_user_and_sessions_in_one_query(here: SignedIn, measure: Measure) -> None:
    # The fast path needs this statement alone (tests/contract/test_fast_me.py): it checks the session, too.
    work = measure(lambda: here.client.get("/me"))

    assert work == Work(sql=[f"SELECT {USER}"], redis=[["GET"]])


def test_a_session_list_of_any_length_is_one_statement(
    here: SignedIn, sign_in: Callable[..., SignedIn], measure: Measure
) -> None:
    for _ in range(5):
        sign_in(here.user)

    assert measure(lambda: here.client.get("/sessions")) == Work(sql=[f"SELECT {SESSION}"], redis=[["GET"]])
    assert measure(lambda: here.client.get(f"/sessions/{here.session_id}")).sql == [f"SELECT {SESSION}"]


def test_a_refresh_is_one_statement_without_transaction_or_redis(
    here: SignedIn, api: ApiClient, measure: Measure
) -> None:
    # The UPDATE decides by itself, so that no transaction has to hold a lock, and brings the session and the user along.
    work = measure(lambda: api.post("/refresh", {"refreshToken": here.refresh}))

    assert work == Work(sql=[f"UPDATE {SESSION}"])


def test_a_refresh_repeated_within_the_grace_period_writes_nothing(
    here: SignedIn, api: ApiClient, measure: Measure
) -> None:
    api.post("/refresh", {"refreshToken": here.refresh})
    before = Session.objects.values().get()

    work = measure(lambda: api.post("/refresh", {"refreshToken": here.refresh}))

    assert work == Work(sql=[f"UPDATE {SESSION}", f"SELECT {SESSION}"])  # an UPDATE that finds no row
    assert Session.objects.values().get() == before


def test_a_login_is_at_most_seven_statements_in_one_transaction(
    alice: User, sign_in: Callable[..., SignedIn], measure: Measure, settings: Settings
) -> None:
    settings.MAX_SESSIONS_PER_USER = 2
    for _ in range(2):
        sign_in(alice)

    # The worst case: an unknown device, and a session that has to give way (which Redis is told after the commit).
    work = measure(lambda: _log_in("Wget/1.21"))

    given_way = [f"SELECT {SESSION}", f"UPDATE {SESSION}"]
    written = [f"INSERT {SESSION}", f"INSERT {OUTBOX}", f"INSERT {AUDIT}"]
    assert work.sql == [f"SELECT {USER}", f"UPDATE {USER}", *given_way, *written]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == [["SET"]]


def test_a_usual_login_is_five_statements(alice: User, sign_in: Callable[..., SignedIn], measure: Measure) -> None:
    sign_in(alice)

    work = measure(lambda: _log_in(CHROME))

    looked_up = [f"SELECT {USER}", f"UPDATE {USER}", f"SELECT {SESSION}"]
    assert work.sql == [*looked_up, f"INSERT {SESSION}", f"INSERT {AUDIT}"]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == []


def test_a_login_that_waits_for_the_second_factor_writes_one_row(here: SignedIn, measure: Measure) -> None:
    enrol(here)

    work = measure(lambda: _log_in(CHROME))

    assert work.sql[0] == f"SELECT {USER}"
    assert work.sql[1:] == [f"INSERT {CHALLENGE}"]
    assert work.redis == []


def test_a_second_factor_is_verified_in_one_transaction_that_locks_the_user(here: SignedIn, measure: Measure) -> None:
    alice_with_totp = enrol(here)
    token = alice_with_totp.pending()

    work = measure(lambda: verify(token, ApiClient(HTTP_USER_AGENT=CHROME), code=alice_with_totp.app.code()))

    # Whose it is, that user's lock, then the challenge, the factor, both used up; and what every login writes.
    judging = [f"SELECT {CHALLENGE}", f"SELECT {USER}", f"SELECT {CHALLENGE}", f"SELECT {FACTOR}", f"UPDATE {FACTOR}"]
    signing_in = [f"UPDATE {USER}", f"SELECT {SESSION}", f"INSERT {SESSION}", f"INSERT {AUDIT}"]
    assert work.sql == [*judging, f"UPDATE {CHALLENGE}", *signing_in]
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


def test_a_logout_is_two_statements_and_updates_redis_after_the_commit(here: SignedIn, measure: Measure) -> None:
    work = measure(lambda: here.client.post("/logout"))

    assert work.sql == [f"UPDATE {SESSION}", f"INSERT {AUDIT}"]
    assert work.frames == ["BEGIN", "COMMIT"]
    assert work.redis == [["GET"], ["SET"]]


def test_revoking_many_sessions_is_four_statements_and_one_redis_round_trip(
    here: SignedIn, sign_in: Callable[..., SignedIn], measure: Measure
) -> None:
    for _ in range(4):
        sign_in(here.user)

    work = measure(lambda: here.client.post("/logout-all"))

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

    # One script counts the address and reserves the try; once the password was right, the pair's failures are forgotten.
    assert work.redis == [["EVALSHA"], ["DEL"]]
    assert (work.sql, work.frames) == (without.sql, without.frames)


def test_a_wrong_password_is_counted_by_two_redis_commands(alice: User, measure: Measure, limits_on: Settings) -> None:
    wrong = {"username": "alice", "password": "Wrong-Horse-7"}
    ApiClient().post("/login", wrong)  # Redis learns the scripts

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
    here: SignedIn, api: ApiClient, measure: Measure, limits_on: Settings
) -> None:
    api.post("/refresh", {"refreshToken": here.refresh})  # Redis learns the script

    work = measure(lambda: api.post("/refresh", {"refreshToken": here.refresh}))

    assert work == Work(sql=[f"UPDATE {SESSION}", f"SELECT {SESSION}"], redis=[["EVALSHA"]])


def _log_in(agent: str) -> None:
    reply = ApiClient(HTTP_USER_AGENT=agent).post("/login", {"username": "alice", "password": PASSWORD})
    assert reply.status_code == 200, reply.content
