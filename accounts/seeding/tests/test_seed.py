"""`manage.py seed` generates fictitious users who can sign in; the same seed generates the same rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import timezone
from pytest_django import Settings

from accounts.identity import email_key, username_key
from accounts.identity_validators import validate_email, validate_username
from accounts.models import AuditEvent, Role, User
from accounts.seeding import bulk
from accounts.seeding import seed as seeding
from accounts.seeding.users import Plan
from accounts.testing.api_client import ApiClient
from core.ids import new_id
from sessions_tracking.models import Session

pytestmark = pytest.mark.django_db

NETWORKS = [ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


@pytest.fixture(autouse=True)
def in_development(settings: Settings) -> None:
    settings.DEBUG = True


def _seed(*arguments: str) -> str:
    out = StringIO()
    call_command("seed", *arguments, stdout=out)
    return out.getvalue()


def _rows() -> list[list[Any]]:
    return [list(model.objects.order_by("id").values()) for model in (User, Session, AuditEvent)]


def test_it_generates_the_requested_number_of_users_and_sessions(api: ApiClient) -> None:
    output = _seed("--users", "40", "--sessions", "3")

    assert (User.objects.count(), Session.objects.count()) == (40, 120)
    assert "40 users, 120 sessions" in output
    assert "%" not in output  # the progress bar is only for a terminal


def test_generated_users_can_sign_in(api: ApiClient) -> None:
    output = _seed("--users", "20", "--sessions", "1")
    user = User.objects.filter(is_active=True, email_verified_at__isnull=False).first()
    assert user is not None

    response = api.post("/login", {"identifier": user.email, "password": "Password123"})

    assert "Password of all users: Password123" in output
    assert response.status_code == 200
    sessions = api.bearing(response.json()["data"]["token"]).get("/sessions").json()["data"]["sessions"]
    assert sessions[0]["current"]


def test_the_same_seed_generates_the_same_rows() -> None:
    _seed("--users", "30", "--seed", "7", "--at", "2026-05-01")
    first = _rows()
    for model in (AuditEvent, Session, User):
        model.objects.all().delete()

    _seed("--users", "30", "--seed", "7", "--at", "2026-05-01")

    assert _rows() == first
    assert all(first)


def test_the_number_of_sessions_does_not_change_the_users(settings: Settings) -> None:
    plans = [
        Plan(users=5, sessions=number, seed=3, at=datetime(2026, 5, 1, tzinfo=UTC), password_hash="x")
        for number in (0, 4)
    ]

    first, second = ([vars(user) | {"_state": 0} for user in seeding.Generator(plan).users()] for plan in plans)

    assert first == second


def test_another_seed_can_be_added_and_the_same_one_cannot() -> None:
    _seed("--users", "10")
    before = set(User.objects.values_list("id", flat=True))

    _seed("--users", "10", "--append", "--seed", "2")

    assert User.objects.count() == 20
    assert before < set(User.objects.values_list("id", flat=True))
    with pytest.raises(CommandError, match="choose another --seed"):
        _seed("--users", "10", "--append", "--seed", "2", "--at", "2026-05-01")
    assert User.objects.count() == 20


def test_a_database_with_users_is_not_changed(alice: User) -> None:
    with pytest.raises(CommandError, match="The database has users already"):
        _seed("--users", "10")

    assert list(User.objects.all()) == [alice]


def test_a_user_with_the_email_of_a_real_one_is_rejected(alice: User) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    plan = Plan(users=10, sessions=0, seed=1, at=at, password_hash="x")
    fifth_user = list(seeding.Generator(plan).users())[4]
    User.objects.filter(id=alice.id).update(email_key=fifth_user.email_key)

    with pytest.raises(CommandError, match="An existing user has the same username or email"):
        _seed("--users", "10", "--append", "--at", "2026-05-01")

    assert User.objects.count() == 1


def test_generated_users_satisfy_the_rules_of_the_api() -> None:
    _seed("--users", "200", "--sessions", "1", "--seed", str(10**12))

    for user in User.objects.all():
        validate_email(user.email or "")
        validate_username(user.username)
        assert (user.email_key, user.username_key) == (email_key(user.email or ""), username_key(user.username))
        assert 3 <= len(user.username) <= 30
        assert len(user.first_name) >= 2
        assert (user.email or "").endswith(("@example.com", "@example.org", "@example.net"))
    ids = User.objects.order_by("created_at").values_list("id", flat=True)
    assert list(ids) == sorted(ids)
    assert {user_id.version for user_id in ids} == {new_id().version}


def test_users_are_varied() -> None:
    _seed("--users", "1500", "--sessions", "1")

    names = "".join(User.objects.values_list("first_name", flat=True))
    assert all(letter in names for letter in "éДλ王さנ김")
    assert {Role.ADMIN, Role.USER} == set(User.objects.values_list("role", flat=True))
    assert User.objects.filter(language="fr").exists()
    assert 1200 < User.objects.filter(email_verified_at__isnull=False).count() < 1500
    assert 0 < User.objects.filter(is_active=False).exclude(deactivation_reason="").count() < 100
    assert not User.objects.filter(created_at__gt=timezone.now()).exists()


def test_sessions_are_varied_and_come_from_documentation_networks() -> None:
    _seed("--users", "300", "--sessions", "2")

    active = Session.objects.active(timezone.now())
    assert 200 < active.count() < 500
    assert not active.filter(user__is_active=False).exists()
    assert not active.filter(user__email_verified_at=None).exists()
    assert {"Desktop", "Mobile", "Tablet"} <= set(Session.objects.values_list("device", flat=True))
    assert {"logout", "password_changed"} <= set(Session.objects.values_list("revoked_reason", flat=True))
    assert all(
        any(ip_address(str(ip)) in network for network in NETWORKS)
        for ip in Session.objects.values_list("ip", flat=True)
    )
    for session in Session.objects.select_related("user"):
        assert session.user.created_at <= session.created_at <= session.last_seen_at <= session.expires_at
        assert session.revoked_at is None or session.created_at <= session.revoked_at <= timezone.now()


def test_the_number_of_audit_events_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "_MAX_WITH_EVENTS", 50)

    _seed("--users", "200", "--sessions", "2")

    assert {"login", "login_failed", "logout"} <= set(AuditEvent.objects.values_list("kind", flat=True))
    assert 50 <= AuditEvent.objects.count() < 150


def test_it_can_create_an_administrator_too(api: ApiClient) -> None:
    output = _seed("--users", "3", "--admin", "ada.lovelace@example.com")

    admin = User.objects.get(email="ada.lovelace@example.com")
    assert (admin.role, admin.is_staff, admin.is_superuser, admin.email_verified) == (Role.ADMIN, True, True, True)
    assert f"username {admin.username}" in output
    response = api.post("/login", {"identifier": admin.email, "password": "Password123"})
    assert api.bearing(response.json()["data"]["token"]).get("/users").json()["data"]["count"] == 4


def test_with_debug_off_it_requires_a_password_and_a_confirmation(settings: Settings) -> None:
    settings.DEBUG = False

    for arguments in ([], ["--yes"], ["--password", "Correct-Horse-7"]):
        with pytest.raises(CommandError, match="DEBUG is off"):
            _seed("--users", "1", *arguments)
    assert not User.objects.exists()

    _seed("--users", "1", "--yes", "--password", "Correct-Horse-7")
    assert User.objects.get().check_password("Correct-Horse-7")


@pytest.mark.parametrize(
    "arguments", [["--users", "-1"], ["--users", "many"], ["--at", "soon"], ["--seed", "0"], ["--sessions", "101"]]
)
def test_wrong_usage_is_an_error(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="must be a"):
        _seed(*arguments)

    assert not User.objects.exists()


def test_rows_written_before_an_interruption_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "_ROWS", 12)
    insert = bulk.insert

    def interrupted(model: type[Model], rows: Sequence[Model]) -> None:
        if Session.objects.exists() and model is Session:
            raise KeyboardInterrupt
        insert(model, rows)

    monkeypatch.setattr(bulk, "insert", interrupted)

    with pytest.raises(CommandError, match="Stopped"):
        _seed("--users", "10")

    assert (User.objects.count(), Session.objects.count()) == (4, 8)


def test_the_batch_size_does_not_change_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    _seed("--users", "20", "--at", "2026-05-01")
    first = _rows()
    for model in (AuditEvent, Session, User):
        model.objects.all().delete()
    monkeypatch.setattr(seeding, "_ROWS", 7)

    _seed("--users", "20", "--at", "2026-05-01")

    assert _rows() == first
