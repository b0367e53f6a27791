"""The cost of a sign-in by email in SQL statements, counted on real connections."""

import pytest

from accounts.login_codes.tests.requests import Outbox, ask, emailed, verify
from accounts.models import User
from accounts.testing.query_counter import Measure

pytestmark = pytest.mark.django_db(transaction=True)

ATTEMPTS, CODE, AUDIT = "accounts_attemptcounter", "accounts_verificationcode", "accounts_auditevent"
USER, SESSION = "accounts_user", "sessions_tracking_session"


def _sql(statements: list[str]) -> list[str]:
    return [statement.strip() for statement in statements]


def test_a_request_costs_one_insert(alice: User, measure: Measure) -> None:
    assert _sql(measure(ask).sql) == ["INSERT accounts_outboxemail"]


def test_a_wrong_code_costs_three_statements(alice: User, measure: Measure, outbox: Outbox) -> None:
    sent = emailed(outbox)

    work = measure(lambda: verify(loginToken=sent.login_token, code=sent.wrong_code))

    assert _sql(work.sql) == [f"INSERT {ATTEMPTS}", f"SELECT {CODE}", f"INSERT {AUDIT}"]


def test_a_sign_in_costs_nine_statements(alice: User, measure: Measure, outbox: Outbox) -> None:
    sent = emailed(outbox)

    work = measure(lambda: verify(loginToken=sent.login_token, code=sent.code))

    assert _sql(work.sql) == [
        f"INSERT {ATTEMPTS}",
        f"SELECT {CODE}",
        f"SELECT {USER}",
        f"UPDATE {CODE}",
        f"DELETE {ATTEMPTS}",
        f"UPDATE {USER}",
        f"SELECT {SESSION}",
        f"INSERT {SESSION}",
        f"INSERT {AUDIT}",
    ]
    assert work.redis == []
