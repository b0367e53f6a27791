"""Concurrent requests of administrators, over real sockets: one administrator remains, and a username goes to one user."""

from collections import Counter
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import OutboxEmail, Role, User
from accounts.testing.cast import me, refresh, signed_in, someone, tokens_of
from core.ids import new_id
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("administration")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


@pytest.mark.parametrize("body", [{"role": "USER"}, {"isActive": False}, None], ids=["demote", "deactivate", "delete"])
def test_one_of_several_administrators_who_demote_each_other_remains(
    server: LiveServer, body: dict[str, object] | None
) -> None:
    for _ in range(3):
        admins = _only([_admin() for _ in range(4)])
        tokens = [signed_in(server, admin).access for admin in admins]
        targets = [*admins[1:], admins[0]]

        responses = server.send_at_once(
            [_demote_or_delete(target, body, token) for target, token in zip(targets, tokens, strict=True)]
        )

        assert set(_codes(responses)) <= {"ok", "permission_denied", "session_revoked", "not_found"}
        assert User.objects.filter(role=Role.ADMIN, is_active=True).count() == 4 - _codes(responses)["ok"] >= 1


def test_twenty_concurrent_creations_with_one_email_create_one_user(server: LiveServer) -> None:
    token, email = signed_in(server, _admin()).access, f"{new_id().hex}@example.com"
    requests = [
        ApiRequest("POST", "/users", {"email": email, "username": f"d{new_id().hex[-20:]}"}, token) for _ in range(20)
    ]

    responses = server.send_at_once(requests)

    assert _codes(responses) == {"ok": 1, "email_taken": 19}
    assert OutboxEmail.objects.filter(recipient=email).count() == 1


def test_twenty_concurrent_renames_to_one_username_rename_one_user(server: LiveServer) -> None:
    token, name = signed_in(server, _admin()).access, f"e{new_id().hex[-20:]}"
    requests = [ApiRequest("PATCH", f"/users/{someone().id}", {"username": name}, token) for _ in range(20)]

    responses = server.send_at_once(requests)

    assert _codes(responses) == {"ok": 1, "username_taken": 19}
    assert User.objects.filter(username_key=name).count() == 1


def test_tokens_minted_during_a_deactivation_are_revoked(server: LiveServer) -> None:
    token = signed_in(server, _admin()).access
    for _ in range(5):
        user = someone()
        tokens = signed_in(server, user)
        login = ApiRequest("POST", "/login", {"username": user.username, "password": "Correct-Horse-7"})

        ending, *responses = server.send_at_once(
            [_demote_or_delete(user, {"isActive": False}, token), *[refresh(tokens.refresh)] * 4, *[login] * 4]
        )

        assert ending.code == "ok"
        assert set(_codes(responses)) <= {"ok", "session_revoked", "invalid_credentials"}
        for minted in [tokens, *(tokens_of(response) for response in responses if response.status == 200)]:
            assert server.send(me(minted.access)).code == "session_revoked"
        assert not user.sessions.filter(revoked_at=None).exists()


def _admin() -> User:
    admin = someone()
    User.objects.filter(id=admin.id).update(role=Role.ADMIN)
    return admin


def _only(admins: list[User]) -> list[User]:
    """Make these the only administrators of the database."""
    User.objects.exclude(id__in=[admin.id for admin in admins]).update(role=Role.USER)
    return admins


def _demote_or_delete(user: User, body: dict[str, object] | None, token: str) -> ApiRequest:
    return ApiRequest("DELETE" if body is None else "PATCH", f"/users/{user.id}", body, token)


def _codes(responses: list[ApiResponse]) -> Counter[str]:
    assert max(response.status for response in responses) < 500, responses
    return Counter(response.code for response in responses)
