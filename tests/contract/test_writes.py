"""The write requests of a signed-in user are rate limited, and a request without a change writes nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, User
from accounts.services import activity
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.query_counter import Measure
from core.openapi.tests.openapi_reader import operations
from core.throttling import limiter
from core.throttling.rates import Limit
from sessions_tracking.models import Session
from sessions_tracking.services import MAX_LISTED

SignIn = Callable[..., SignedIn]
WRITES = [operation for operation in operations() if operation.is_protected and operation.method not in {"GET", "HEAD"}]
BY_SESSION = {"logoutAll", "deleteSession"}


@pytest.fixture
def admin_session(admin: User, sign_in: SignIn) -> SignedIn:
    return sign_in(admin)


def _path(template: str) -> str:
    return template.replace("{id}", "01981c63-1f5e-7a90-b1c2-93d4e5f60718")


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.spec["operationId"])
def test_each_write_operation_counts_toward_the_write_limit(
    admin_session: SignedIn, limits_on: Settings, operation: Any
) -> None:
    limits_on.RATE_LIMIT_WRITES = (Limit("writes", 1, 60),)
    is_by_session = operation.spec["operationId"] in BY_SESSION
    user, session = str(admin_session.user.id), f"session:{admin_session.session_id}"
    limiter.consume(limits_on.RATE_LIMIT_WRITES, session if is_by_session else user)

    response = admin_session.client.generic(operation.method, _path(operation.path))

    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response["RateLimit-Policy"] == '"writes";q=1;w=60'
    assert int(response["Retry-After"]) > 0


def test_a_stolen_session_cannot_prevent_its_own_revocation(alice: User, sign_in: SignIn, limits_on: Settings) -> None:
    stolen, own = sign_in(alice), sign_in(alice)
    while stolen.client.patch("/me", {"firstName": "Mallory"}).status_code != 429:
        pass
    while stolen.client.delete("/sessions/none").status_code != 429:
        pass

    assert own.client.patch("/me", {"firstName": "Alice"}).status_code == 429
    assert own.client.delete(f"/sessions/{stolen.session_id}").status_code == 200
    assert stolen.client.get("/me").json()["code"] == "session_revoked"


def test_the_write_limit_is_per_user(alice: User, mallory: User, sign_in: SignIn, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_WRITES = (Limit("writes", 2, 60),)
    clients = [sign_in(mallory).client, sign_in(alice).client]

    statuses = [[client.patch("/me", {"firstName": "Al"}).status_code for _ in range(3)] for client in clients]

    assert statuses == [[200, 200, 429]] * 2


def test_reads_do_not_count_toward_the_write_limit(alice: User, sign_in: SignIn, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_WRITES = (Limit("writes", 1, 60),)
    client = sign_in(alice).client

    assert {client.get("/me").status_code for _ in range(3)} == {200}


# Requests whose repetition changes nothing.
UNCHANGED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "update_me": ("PATCH", "/me", {"firstName": "Alice", "lastName": "Liddell", "username": "alice", "language": "fr"}),
    "one field": ("PATCH", "/me", {"firstName": "Alice"}),
    "no field": ("PATCH", "/me", {}),
    "update_profile": ("PATCH", "/profile", {"lastName": "Liddell"}),
    "name a session": ("PATCH", "/sessions/{session}", {"name": "Kitchen", "data": {"a": [1, {"b": None}]}}),
    "same username": ("PATCH", "/me", {"username": "Alice"}),
    "no field of a session": ("PATCH", "/sessions/{session}", {}),
}


@pytest.mark.parametrize("case", UNCHANGED)
@pytest.mark.django_db(transaction=True)
def test_a_repeated_request_writes_nothing(alice: User, sign_in: SignIn, measure: Measure, case: str) -> None:
    method, path, body = UNCHANGED[case]
    signed_in = sign_in(alice)

    def send() -> Any:
        return getattr(signed_in.client, method.lower())(path.format(session=signed_in.session_id), body)

    first = send()
    before = list(AuditEvent.objects.values_list("id")), User.objects.values().get()
    work = measure(send)

    assert send().json() == first.json()
    assert [statement for statement in work.sql if not statement.startswith("SELECT")] == []
    assert (list(AuditEvent.objects.values_list("id")), User.objects.values().get()) == before


@pytest.mark.django_db(transaction=True)
def test_a_repeated_update_by_an_administrator_writes_nothing(
    admin_session: SignedIn, alice: User, measure: Measure
) -> None:
    body: dict[str, Any] = {"firstName": "Alice", "email": alice.email, "username": "alice", "language": "fr"}
    body |= {"role": "ADMIN", "isActive": True, "emailVerified": True}
    path = f"/users/{alice.id}"
    first = admin_session.client.patch(path, body)
    before = list(AuditEvent.objects.values_list("id")), User.objects.values().get(id=alice.id)

    work = measure(lambda: admin_session.client.patch(path, body))

    assert [statement for statement in work.sql if not statement.startswith("SELECT")] == []
    assert admin_session.client.patch(path, {}).json()["data"] == first.json()["data"]
    assert (list(AuditEvent.objects.values_list("id")), User.objects.values().get(id=alice.id)) == before


def test_the_session_list_is_bounded_without_a_session_limit(
    alice: User, admin_session: SignedIn, sign_in: SignIn, settings: Settings
) -> None:
    settings.MAX_SESSIONS_PER_USER = 0
    signed_in = sign_in(alice)
    session, now = alice.sessions.get(), timezone.now() + timedelta(seconds=5)
    Session.objects.bulk_create(
        Session(user=alice, created_at=now, updated_at=now, last_seen_at=now, refresh_issued_at=now,
                expires_at=session.expires_at, absolute_expires_at=session.absolute_expires_at)
        for _ in range(MAX_LISTED)
    )  # fmt: skip

    lists = [signed_in.client.get(path).json()["data"] for path in ("/me", "/me/", "/sessions")]
    lists.append(admin_session.client.get(f"/users/{alice.id}/sessions").json()["data"])

    assert [len(data.get("user", data)["sessions"]) for data in lists] == [MAX_LISTED] * 4
    signed_in.client.post("/logout")
    assert {signed_in.client.get(path).json()["code"] for path in ("/me", "/me/")} == {"session_revoked"}


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), ("1", 1), ([], {}), (None, False)])
def test_session_data_that_differs_only_in_its_json_type_is_a_change(
    alice: User, sign_in: SignIn, before: object, after: object
) -> None:
    signed_in = sign_in(alice, data={"value": before})

    response = signed_in.client.patch(f"/sessions/{signed_in.session_id}", {"data": {"value": after}})

    stored = signed_in.client.get(f"/sessions/{signed_in.session_id}").json()["data"]["session"]["data"]["value"]
    assert repr(response.json()["data"]["session"]["data"]["value"]) == repr(after)
    assert repr(stored) == repr(after)


def test_the_audit_names_only_the_changed_fields(alice: User, sign_in: SignIn) -> None:
    client: ApiClient = sign_in(alice).client
    client.patch("/me", {"firstName": "Alice"})

    client.patch("/me", {"firstName": "Alice", "lastName": "Liddell", "username": "alice"})

    rows = AuditEvent.objects.filter(kind=AuditKind.PROFILE_CHANGED).order_by("created_at", "id")
    assert [row.facts["fields"] for row in rows] == ["firstName", "lastName"]


def test_activity_is_listed_and_counted_up_to_a_limit(
    alice: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "MAX_LISTED", 5)
    client = sign_in(alice).client
    for number in range(8):
        client.patch("/me", {"firstName": f"Alice {number}"})

    pages = [client.get(f"/me/activity?page={page}&pageSize=3").json()["data"] for page in (1, 2, 3, 1_000_000)]

    assert [len(page["events"]) for page in pages] == [3, 2, 0, 0]
    assert {page["count"] for page in pages} == {5}


def test_a_user_can_export_five_times_an_hour(alice: User, sign_in: SignIn, limits_on: Settings) -> None:
    client = sign_in(alice).client

    statuses = [client.get("/me/export").status_code for _ in range(7)]

    assert statuses == [200] * 5 + [429] * 2
    assert AuditEvent.objects.filter(kind=AuditKind.DATA_EXPORTED).count() == 5
