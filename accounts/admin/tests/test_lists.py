"""The lists of the admin: searches use indexes, and fifty rows need no more queries than one."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import audit
from accounts.admin import base
from accounts.mail import outbox
from accounts.models import AuditKind, MetricSnapshot, User
from accounts.services.dashboard import approximate_counts, dashboard_stats
from accounts.testing.api_client import PASSWORD, SignedIn
from sessions_tracking import services as sessions
from sessions_tracking.authentication_context import authenticated_now
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
LISTS = {
    "users": "/admin/accounts/user/",
    "sessions": "/admin/sessions_tracking/session/",
    "outbox": "/admin/accounts/outboxemail/",
    "audit": "/admin/accounts/auditevent/",
}
CLIENT = ClientInfo(
    ip="203.0.113.7",
    user_agent="x",
    device="Desktop",
    browser="Chrome",
    os="Linux",
    platform="Linux",
    location="Unknown",
)


@pytest.fixture
def browser(superuser: User) -> Client:
    browser = Client()
    browser.force_login(superuser)
    return browser


def _create_users(count: int) -> list[User]:
    """Create users with a session, an email and an event each."""
    made = [User.objects.create_user(f"eve{n}", f"eve{n}@example.com") for n in range(count)]
    for user in made:
        sessions.start(user_id=user.id, client=CLIENT, context=authenticated_now("pwd"))
        outbox.welcome(user)
        audit.record(AuditKind.REGISTERED, user_id=user.id, actor_id=user.id)
    return made


def _queries(browser: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_needs_as_many_queries_for_fifty_rows_as_for_one(browser: Client, name: str) -> None:
    browser.get("/admin/accounts/serviceclient/")
    _create_users(1)
    one = _queries(browser, LISTS[name])

    User.objects.filter(username="eve0").delete()
    _create_users(50)

    assert _queries(browser, LISTS[name]) == one
    assert one <= 8


def test_the_page_of_a_user_shows_the_latest_twenty_sessions_and_events(browser: Client, alice: User) -> None:
    page = f"/admin/accounts/user/{alice.id}/change/"
    browser.get(page)
    few = _queries(browser, page)
    for _ in range(50):
        sessions.start(user_id=alice.id, client=CLIENT, context=authenticated_now("pwd"))
        audit.record(AuditKind.LOGIN, user_id=alice.id, actor_id=alice.id)

    assert _queries(browser, page) == few
    assert [len(panel["table"]["rows"]) for panel in browser.get(page).context["panels"]] == [1, 20, 20]


def test_a_long_list_is_not_counted_completely(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_COUNTED", 3)
    _create_users(6)

    page = browser.get(LISTS["users"]).content.decode()

    assert "3+ results. Search to narrow the list." in page


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("alice@example.com", ["alice"]), ("ALICE@EXAMPLE.COM", ["alice"]), ("ali", ["alice"]), ("lice", []),
        ("wonder", ["alice"]), ("Al WOND", ["alice"]), ("%", []), ("al_ce", []), ("alice unknown", []),
    ],
)  # fmt: skip
def test_users_are_found_by_a_prefix_of_email_username_or_name(
    browser: Client, alice: User, bob: User, text: str, names: list[str]
) -> None:
    User.objects.filter(id=alice.id).update(first_name="Alice", last_name="Wonderland")

    results = browser.get(LISTS["users"], {"q": text}).context["cl"].result_list

    assert [user.username for user in results] == names


def test_users_sessions_and_events_are_found_by_id(browser: Client, alice: User, bob: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    audit.record(AuditKind.LOGIN, user_id=bob.id)

    for name, text in (
        ("users", alice.id),
        ("sessions", alice.id),
        ("sessions", session.session_id),
        ("audit", alice.id),
    ):
        assert len(browser.get(LISTS[name], {"q": str(text)}).context["cl"].result_list) == 1


def test_names_are_indexed(superuser: User) -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "accounts_user")

    assert {"user_first_name", "user_last_name", "user_admins", "user_inactive"} <= constraints.keys()


def test_the_dashboard_counts_events_sessions_and_emails(browser: Client, alice: User, sign_in: SignIn) -> None:
    sign_in(alice)
    audit.record(AuditKind.LOGIN_FAILED, user_id=None)
    outbox.welcome(alice)

    today = dashboard_stats.daily_counts(datetime.now(UTC).date())[datetime.now(UTC).date()]

    assert today == {"login": 1, "login_failed": 1}
    assert dashboard_stats.exact_totals() == dashboard_stats.Totals(
        active_sessions=1, emails_waiting=1, emails_failed=0
    )
    assert browser.get("/admin/").status_code == 200


def test_a_past_day_is_counted_once(browser: Client) -> None:
    browser.get("/admin/")

    with CaptureQueriesContext(connection) as queries:
        browser.get("/admin/")

    assert not any("GROUP BY" in query["sql"] for query in queries.captured_queries)


def test_a_snapshot_is_saved_once_an_hour(alice: User, sign_in: SignIn) -> None:
    sign_in(alice)

    dashboard_stats.take_snapshot()
    dashboard_stats.take_snapshot()

    assert [reading.active_sessions for reading in MetricSnapshot.objects.all()] == [1]


def test_users_who_may_not_view_the_audit_see_no_statistics(db: None, settings: Settings) -> None:
    User.objects.create_user("trudy", "trudy@example.com", PASSWORD, is_staff=True)
    browser = Client()
    browser.force_login(User.objects.get(username="trudy"))

    page = browser.get("/admin/")

    assert page.status_code == 200
    assert b"canvas" not in page.content


def test_days_not_counted_in_time_are_gaps_until_the_hourly_task_counts_them(alice: User, sign_in: SignIn) -> None:
    sign_in(alice)
    today = datetime.now(UTC).date()

    counted = dashboard_stats.daily_counts(today, seconds=0)
    assert list(counted.values()).count(None) == dashboard_stats.DAYS - 1
    assert counted[today] == {"login": 1}
    dashboard_stats.take_snapshot()

    assert None not in dashboard_stats.daily_counts(today, seconds=0).values()


def test_a_day_without_events_is_counted_once_too(db: None) -> None:
    dashboard_stats.daily_counts(datetime.now(UTC).date(), seconds=None)

    with CaptureQueriesContext(connection) as queries:
        dashboard_stats.daily_counts(datetime.now(UTC).date(), seconds=None)

    assert len(queries) == 0


def test_many_sessions_are_counted_approximately(browser: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a sample where the database takes one; by a bound elsewhere."""
    for _ in range(120):
        sessions.start(user_id=alice.id, client=CLIENT, context=authenticated_now("pwd"))
    Session.objects.filter(id__in=Session.objects.values("id")[:30]).update(revoked_at=datetime.now(UTC))
    monkeypatch.setattr(approximate_counts, "_SAMPLED_PAGES", 1)
    monkeypatch.setattr(approximate_counts, "_MAX_COUNTED", 20)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sessions_tracking_session")

    seen = approximate_counts.estimate(Session.objects.active(datetime.now(UTC)))

    if connection.vendor == "postgresql":
        assert seen.precision == "about"
        assert 0 <= seen.count <= 150
    else:
        assert seen == approximate_counts.ApproximateCount(20, approximate_counts.Precision.AT_LEAST)
    words = "about" if connection.vendor == "postgresql" else "more than"
    assert words in browser.get("/admin/").content.decode()


def test_only_the_newest_search_results_are_sorted(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_SORTED", 3)
    _create_users(6)

    results = browser.get(LISTS["users"], {"q": "eve", "o": "1"}).context["cl"].result_list

    assert [user.username for user in results] == ["eve3", "eve4", "eve5"]
    unfiltered = browser.get(LISTS["users"], {"o": "1"}).context["cl"].result_list
    assert [user.username for user in unfiltered] == [*(f"eve{n}" for n in range(6)), "grace"]
