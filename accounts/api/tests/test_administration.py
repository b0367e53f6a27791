"""Reading and deleting accounts of other users, and ending their sessions; the protection of administrators."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage

from accounts.models import Role, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from sessions_tracking.models import RevokedReason

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"
ROUTES = [
    ("get", "/users"), ("post", "/users"), ("put", "/users"), ("head", "/users"), ("options", "/users"),
    ("get", "/users/{id}"), ("patch", "/users/{id}"), ("put", "/users/{id}"), ("delete", "/users/{id}"),
    ("options", "/users/{id}"), ("get", "/users/{id}/sessions"), ("delete", "/users/{id}/sessions"),
    ("post", "/users/{id}/revoke-sessions"), ("get", "/users/{id}/revoke-sessions"), ("get", "/users/not-an-id"),
    ("post", "/users/{id}/invite"), ("trace", "/users"), ("trace", "/users/{id}"), ("head", "/users/{id}/sessions"),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "path"), ROUTES)
def test_administration_requires_an_administrator(
    alice: User, mallory: User, sign_in: SignIn, verb: str, path: str
) -> None:
    path = path.format(id=alice.id)

    rejected = getattr(sign_in(mallory).client, verb)(path)
    unknown = getattr(ApiClient(), verb)(path)

    assert (rejected.status_code, unknown.status_code) == (403, 401)
    assert unknown.headers["WWW-Authenticate"] == "Bearer"
    if verb != "head":
        assert (rejected.json()["code"], unknown.json()["code"]) == ("permission_denied", "authentication_required")
    alice.refresh_from_db()
    assert alice.is_active


@pytest.mark.parametrize(
    "name", ["0", "-1", "1e30", "me", "not-an-id", "%00", "%ff", "..%2fadmin", "01a1fd27-7415-7325-8ada-1113171bae4e"]
)
@pytest.mark.parametrize(("verb", "tail"), [("get", ""), ("patch", ""), ("delete", ""), ("get", "/sessions")])
def test_an_unknown_or_malformed_id_is_not_found(admin: User, sign_in: SignIn, name: str, verb: str, tail: str) -> None:
    response = getattr(sign_in(admin).client, verb)(f"/users/{name}{tail}")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_an_administrator_reads_a_user_and_their_sessions(admin: User, alice: User, sign_in: SignIn) -> None:
    client, alice_session = sign_in(admin).client, sign_in(alice)

    user = client.get(f"/users/{alice.id}").json()["data"]["user"]
    sessions = client.get(f"/users/{alice.id}/sessions").json()["data"]["sessions"]

    assert (user["username"], user["isActive"], user["emailVerified"]) == ("alice", True, True)
    assert "password" not in user
    assert [(row["id"], row["current"]) for row in sessions] == [(alice_session.session_id, False)]


@pytest.mark.parametrize("name", ["isStaff", "isSuperuser", "is_staff", "is_superuser"])
@pytest.mark.parametrize("actor", ["admin", "superuser"])
def test_privileges_of_the_admin_cannot_be_granted_through_the_api(
    request: pytest.FixtureRequest, alice: User, sign_in: SignIn, actor: str, name: str
) -> None:
    client = sign_in(request.getfixturevalue(actor)).client
    person = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}

    assert client.patch(f"/users/{alice.id}", {name: True, "firstName": "Changed"}).status_code == 403
    assert client.post("/users", person | {name: True}).status_code == 403

    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser, alice.first_name) == (False, False, "")
    assert not User.objects.filter(username="eve").exists()


PRIVILEGES: list[dict[str, Any]] = [{"is_superuser": True}, {"is_staff": True}]


@pytest.mark.parametrize("privileges", PRIVILEGES)
def test_administrators_cannot_change_users_who_outrank_them(
    admin: User, alice: User, sign_in: SignIn, privileges: dict[str, bool]
) -> None:
    User.objects.filter(id=alice.id).update(**privileges)
    client, alice_session, path = sign_in(admin).client, sign_in(alice), f"/users/{alice.id}"
    requests = [(client.patch, path, {"firstName": "Changed"}), (client.patch, path, {"password": NEW})]
    requests += [(client.delete, path, {}), (client.post, f"{path}/revoke-sessions", {})]

    for send, url, body in requests:
        assert send(url, body).json()["code"] == "permission_denied"

    assert alice_session.client.get("/me").status_code == 200
    assert client.get(path).status_code == 200


def test_a_superuser_changes_any_user(superuser: User, alice: User, sign_in: SignIn) -> None:
    User.objects.filter(id=alice.id).update(is_superuser=True, is_staff=True)

    response = sign_in(superuser).client.patch(f"/users/{alice.id}", {"firstName": "Changed"})

    assert response.status_code == 200


@pytest.mark.parametrize("change", [{"role": "USER"}, {"isActive": False}, None])
def test_the_last_administrator_cannot_be_demoted(
    admin: User, alice: User, sign_in: SignIn, change: dict[str, Any] | None
) -> None:
    User.objects.filter(id=alice.id).update(role=Role.ADMIN, is_active=False)
    client, path = sign_in(admin).client, f"/users/{admin.id}"

    response = client.delete(path) if change is None else client.patch(path, change)

    assert (response.status_code, response.json()["code"]) == (400, "last_admin")
    assert client.get("/users").status_code == 200


@pytest.mark.parametrize("change", [{"role": "USER"}, {"isActive": False}, None])
def test_administrators_cannot_demote_themselves(
    admin: User, superuser: User, sign_in: SignIn, change: dict[str, Any] | None
) -> None:
    client, path = sign_in(admin).client, f"/users/{admin.id}"

    response = client.delete(path) if change is None else client.patch(path, change)

    assert (response.status_code, response.json()["code"]) == (400, "own_rights")
    assert client.get("/users").status_code == 200


def test_administrators_change_their_own_names(admin: User, sign_in: SignIn) -> None:
    client = sign_in(admin).client

    response = client.patch(f"/users/{admin.id}", {"firstName": "Carol", "role": "ADMIN", "isActive": True})

    assert response.status_code == 200
    assert client.get("/users").status_code == 200


def test_a_deletion_removes_account_and_sessions_and_notifies_the_owner(
    api: ApiClient, admin: User, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    client, alice_session = sign_in(admin).client, sign_in(alice)

    response = client.delete(f"/users/{alice.id}")

    assert (response.status_code, response.json()["success"]) == (200, True)
    assert alice_session.client.get("/me").json()["code"] == "session_revoked"
    assert api.post("/refresh", {"refreshToken": alice_session.refresh}).json()["code"] == "session_revoked"
    assert client.get(f"/users/{alice.id}").status_code == 404
    assert client.delete(f"/users/{alice.id}").status_code == 404
    assert [message.to for message in outbox()] == [["alice@example.com"]]


def test_an_administrator_ends_all_sessions_of_one_user(
    admin: User, alice: User, mallory: User, sign_in: SignIn
) -> None:
    client, mallory_session, alice_sessions = (
        sign_in(admin).client,
        sign_in(mallory),
        [sign_in(alice) for _ in range(2)],
    )

    response = client.post(f"/users/{alice.id}/revoke-sessions")

    assert response.json()["data"] == {"revoked": 2}
    assert [session.client.get("/me").status_code for session in [*alice_sessions, mallory_session]] == [401, 401, 200]
    assert set(alice.sessions.values_list("revoked_reason", flat=True)) == {RevokedReason.ADMIN}


def test_the_last_administrator_cannot_delete_their_own_account(admin: User, sign_in: Callable[..., SignedIn]) -> None:
    response = sign_in(admin).client.delete("/me", {"password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (400, "last_admin")
    assert User.objects.filter(id=admin.id).exists()


def test_an_administrator_who_is_not_the_last_deletes_their_own_account(
    admin: User, superuser: User, sign_in: Callable[..., SignedIn]
) -> None:
    assert sign_in(admin).client.delete("/me", {"password": PASSWORD}).status_code == 200

    assert not User.objects.filter(id=admin.id).exists()
