"""The session endpoints list, change and delete the sessions of the caller, and never those of another user."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.base_user import AbstractBaseUser
from pytest_django import Settings

from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn, stable_headers
from sessions_tracking.models import RevokedReason, Session

SignIn = Callable[..., SignedIn]

FIELDS = {
    "id", "name", "device", "browser", "os", "platform", "location", "ip", "userAgent", "data", "current", "createdAt",
    "updatedAt", "lastSeenAt", "expiresAt", "acr", "amr", "authenticatedAt",
}  # fmt: skip


def _patch(signed_in: SignedIn, changes: Any, session_id: str = "") -> Any:
    return signed_in.client.patch(f"/sessions/{session_id or signed_in.session_id}", changes)


def _listed_ids(signed_in: SignedIn) -> list[str]:
    return [row["id"] for row in signed_in.client.get("/sessions").json()["data"]["sessions"]]


def test_a_session_has_its_device_location_and_times(signed_in: SignedIn) -> None:
    [session] = signed_in.client.get("/sessions").json()["data"]["sessions"]

    assert set(session) == FIELDS
    assert (session["device"], session["browser"], session["os"]) == ("Desktop", "Chrome", "Windows")
    assert (session["ip"], session["location"], session["current"], session["data"]) == (
        "127.0.0.1",
        "Unknown",
        True,
        {},
    )
    assert session["userAgent"].startswith("Mozilla/5.0 (Windows")
    assert signed_in.client.get(f"/sessions/{session['id']}").json()["data"] == {"session": session}


def test_a_session_says_how_and_when_its_user_authenticated(signed_in: SignedIn) -> None:
    [session] = signed_in.client.get("/sessions").json()["data"]["sessions"]

    assert (session["acr"], session["amr"]) == ("aal1", ["pwd"])
    assert session["authenticatedAt"] == session["createdAt"][:19] + ".000Z"
    assert signed_in.data["session"]["authenticatedAt"] == session["authenticatedAt"]
    assert signed_in.client.get("/me").json()["data"]["user"]["sessions"] == [session]


def test_the_list_has_the_active_sessions_of_the_caller_latest_first(
    signed_in: SignedIn, alice: AbstractBaseUser, mallory: AbstractBaseUser, sign_in: SignIn
) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        later = sign_in(alice)
        sign_in(alice).client.post("/logout")
        sign_in(mallory)
        expired = sign_in(alice)
        Session.objects.filter(id=expired.session_id).update(expires_at=datetime.now(UTC))

        assert _listed_ids(signed_in) == [later.session_id, signed_in.session_id]


def test_only_the_session_of_the_request_is_current(
    signed_in: SignedIn, alice: AbstractBaseUser, sign_in: SignIn
) -> None:
    other = sign_in(alice)

    for caller in (signed_in, other):
        rows = caller.client.get("/sessions").json()["data"]["sessions"]
        assert [row["id"] for row in rows if row["current"]] == [caller.session_id]


@pytest.mark.parametrize("changes", [{"name": "Work"}, {"data": {"theme": "dark"}}, {"name": "", "data": {}}, {}])
def test_patch_changes_only_the_given_session_fields(signed_in: SignedIn, changes: dict[str, Any]) -> None:
    _patch(signed_in, {"name": "Before", "data": {"kept": True}})

    response = _patch(signed_in, changes)

    assert response.status_code == 200
    expected = {"name": "Before", "data": {"kept": True}} | changes
    assert {name: response.json()["data"]["session"][name] for name in expected} == expected
    assert Session.objects.values("name", "data").get() == expected


def test_patch_ignores_read_only_fields(signed_in: SignedIn, mallory: AbstractBaseUser) -> None:
    before = Session.objects.values().get()

    response = _patch(
        signed_in,
        {
            "name": "Work", "id": str(uuid4()), "userId": str(mallory.pk), "user": str(mallory.pk), "ip": "192.0.2.1",
            "expiresAt": "2099-01-01T00:00:00Z", "revokedAt": None, "current": False, "device": "Bot", "location": "Paris",
            "refresh_jti": str(uuid4()), "absolute_expires_at": "2099-01-01T00:00:00Z",
        },
    )  # fmt: skip

    assert response.status_code == 200
    after = Session.objects.values().get()
    assert after["updated_at"] > before["updated_at"]
    assert dict(after) == {**before, "name": "Work", "updated_at": after["updated_at"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 101), ("name", None), ("name", 7), ("name", "a\nb"), ("name", "a\0b"), ("data", None), ("data", []),
        ("data", "x"), ("data", 7), ("data", {"a": "\0"}), ("data", {"\0": 1}),
        ("data", {"a": "x" * 8192}), ("data", {"a": "é" * 4096}),
    ],
)  # fmt: skip
def test_an_invalid_patch_changes_nothing(signed_in: SignedIn, field: str, value: object) -> None:
    before = Session.objects.values().get()

    response = _patch(signed_in, {field: value})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert [name.partition(".")[0] for name in response.json()["errors"]] == [field]
    assert Session.objects.values().get() == before


def test_data_has_at_most_8_kib(signed_in: SignedIn) -> None:
    largest = {"a": "x" * (8192 - len('{"a":""}'))}

    assert _patch(signed_in, {"data": largest}).status_code == 200
    assert Session.objects.get().data == largest
    assert _patch(signed_in, {"data": {"a": largest["a"] + "x"}}).status_code == 400


@pytest.mark.parametrize(
    "data", [{"a": "line\nbreak\t"}, {"": 1}, {"a": [1, 2.5, True, None, {"b": "é😀"}]}, {"a": 10**30}, {"a": -0.5e-7}]
)
def test_data_is_returned_as_sent(signed_in: SignedIn, data: dict[str, Any]) -> None:
    assert _patch(signed_in, {"data": data}).status_code == 200

    assert signed_in.client.get("/sessions").json()["data"]["sessions"][0]["data"] == data


@pytest.mark.parametrize("value", ["1e400", "-1e999", '"\\ud800"', '["\\udfff\\ud800"]'])
def test_values_that_the_database_cannot_store_are_rejected(signed_in: SignedIn, value: str) -> None:
    body = f'{{"data": {{"a": {value}}}}}'

    response = signed_in.client.generic(
        "PATCH", f"/sessions/{signed_in.session_id}", body, content_type="application/json"
    )

    assert response.status_code == 400
    assert Session.objects.get().data == {}


def test_an_escaped_backslash_in_data_is_accepted(signed_in: SignedIn) -> None:
    data = {"a": "\\u0000"}

    assert _patch(signed_in, {"data": data}).status_code == 200
    assert Session.objects.get().data == data


def test_delete_revokes_a_session_at_once(signed_in: SignedIn, alice: AbstractBaseUser, sign_in: SignIn) -> None:
    other = sign_in(alice)

    response = signed_in.client.delete(f"/sessions/{other.session_id}")

    assert (response.status_code, response.json()["success"]) == (200, True)
    assert other.client.get("/me").json()["code"] == "session_revoked"
    assert ApiClient().post("/refresh", {"refreshToken": other.refresh}).json()["code"] == "session_revoked"
    assert Session.objects.get(id=other.session_id).revoked_reason == RevokedReason.SESSION_DELETED
    assert _listed_ids(signed_in) == [signed_in.session_id]


def test_the_current_session_can_be_deleted(signed_in: SignedIn) -> None:
    assert signed_in.client.delete(f"/sessions/{signed_in.session_id}").status_code == 200

    assert signed_in.client.get("/sessions").json()["code"] == "session_revoked"


def test_a_revoked_session_is_not_found(signed_in: SignedIn, alice: AbstractBaseUser, sign_in: SignIn) -> None:
    path = f"/sessions/{sign_in(alice).session_id}"
    signed_in.client.delete(path)

    responses = [signed_in.client.get(path), signed_in.client.patch(path, {"name": "x"}), signed_in.client.delete(path)]

    assert [response.status_code for response in responses] == [404] * 3


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_another_users_session_gives_the_same_response_as_an_unknown_one(
    signed_in: SignedIn, mallory: AbstractBaseUser, sign_in: SignIn, method: str
) -> None:
    attacker, before = sign_in(mallory).client, Session.objects.values().get(id=signed_in.session_id)
    send = getattr(attacker, method)

    foreign, unknown = send(f"/sessions/{signed_in.session_id}", {}), send(f"/sessions/{uuid4()}", {})

    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert foreign.content == unknown.content
    assert stable_headers(foreign) == stable_headers(unknown)
    assert Session.objects.values().get(id=signed_in.session_id) == before
    assert signed_in.client.get("/me").status_code == 200


@pytest.mark.parametrize("changes", [{"name": 7}, {"data": "x"}])
def test_an_invalid_patch_does_not_reveal_whether_a_session_exists(
    signed_in: SignedIn, mallory: AbstractBaseUser, sign_in: SignIn, changes: dict[str, Any]
) -> None:
    attacker = sign_in(mallory)

    responses = [_patch(attacker, changes, session_id) for session_id in (signed_in.session_id, str(uuid4()))]

    assert responses[0].status_code == responses[1].status_code
    assert responses[0].content == responses[1].content


def test_a_login_over_the_limit_revokes_the_least_recently_seen_session(
    alice: AbstractBaseUser, sign_in: SignIn, settings: Settings
) -> None:
    settings.MAX_SESSIONS_PER_USER = 3
    first, second, third = (sign_in(alice) for _ in range(3))
    for minutes, login in enumerate((second, first, third)):  # the second is the least recently seen
        seen = datetime.now(UTC) - timedelta(hours=1) + timedelta(minutes=minutes)
        Session.objects.filter(id=login.session_id).update(last_seen_at=seen)

    fourth = sign_in(alice)

    assert second.client.get("/me").json()["code"] == "session_revoked"
    assert Session.objects.get(id=second.session_id).revoked_reason == RevokedReason.TOO_MANY_SESSIONS
    assert set(_listed_ids(fourth)) == {first.session_id, third.session_id, fourth.session_id}


def test_the_session_limit_is_per_user(
    signed_in: SignedIn, mallory: AbstractBaseUser, sign_in: SignIn, settings: Settings
) -> None:
    settings.MAX_SESSIONS_PER_USER = 1

    sign_in(mallory)

    assert signed_in.client.get("/me").status_code == 200


def test_a_lower_session_limit_applies_at_the_next_login(
    alice: AbstractBaseUser, sign_in: SignIn, settings: Settings
) -> None:
    for _ in range(5):
        sign_in(alice)
    settings.MAX_SESSIONS_PER_USER = 2

    sign_in(alice)

    assert Session.objects.active(datetime.now(UTC)).count() == 2


@pytest.mark.parametrize(("limit", "left"), [(20, 20), (0, 23)])
def test_the_default_session_limit_is_20_and_0_means_no_limit(
    alice: AbstractBaseUser, sign_in: SignIn, settings: Settings, limit: int, left: int
) -> None:
    settings.MAX_SESSIONS_PER_USER = limit

    signed_in = [sign_in(alice) for _ in range(23)]

    assert len(_listed_ids(signed_in[-1])) == left


def test_a_failed_login_revokes_no_session(signed_in: SignedIn, settings: Settings) -> None:
    settings.MAX_SESSIONS_PER_USER = 1

    ApiClient().post("/login", {"username": "alice", "password": PASSWORD + "x"})

    assert signed_in.client.get("/me").status_code == 200


def test_a_new_session_does_not_get_the_data_of_an_old_one(
    signed_in: SignedIn, alice: AbstractBaseUser, sign_in: SignIn
) -> None:
    _patch(signed_in, {"data": {"draft": "secret"}})

    signed_in.client.post("/logout")

    assert "secret" not in json.dumps(sign_in(alice).client.get("/me").json())
