"""The table of ranks: one rule decides in the API and in the admin who may change whose account."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Role, User
from accounts.services.administration import policy
from accounts.testing.api_client import PASSWORD, ApiClient

RANKS: dict[str, dict[str, Any]] = {
    "USER": {},
    "ADMIN": {"role": Role.ADMIN},
    "staff": {"is_staff": True},
    "staff ADMIN": {"is_staff": True, "role": Role.ADMIN},
    "superuser": {"is_staff": True, "is_superuser": True, "role": Role.ADMIN},
}
SELF = "oneself"
# For each actor, the users who do not outrank them. Staff may hold different permissions, so staff do not change staff.
NOT_OUTRANKED = {
    "USER": {SELF, "USER"},
    "ADMIN": {SELF, "USER", "ADMIN"},
    "staff": {SELF, "USER"},
    "staff ADMIN": {SELF, "USER", "ADMIN"},
    "superuser": {SELF, *RANKS},
}
TABLE = [(actor, other) for actor in RANKS for other in [*RANKS, SELF]]


def create(username: str, rank: str) -> User:
    user = User.objects.create_user(username, f"{username}@example.com", PASSWORD, **RANKS[rank])
    user.user_permissions.set(Permission.objects.filter(content_type__model="user") if user.is_staff else [])
    User.objects.filter(id=user.id).update(email_verified_at=user.created_at)
    return user


@pytest.fixture
def actor(actor_rank: str, db: None) -> User:
    return create("actor", actor_rank)


@pytest.fixture
def user(actor: User, rank: str) -> User:
    return actor if rank == SELF else create("target", rank)


@pytest.mark.parametrize(("actor_rank", "rank"), TABLE)
def test_a_user_outranks_an_actor_who_lacks_one_of_their_privileges(
    actor: User, user: User, actor_rank: str, rank: str
) -> None:
    assert policy.outranks(user, actor) is (rank not in NOT_OUTRANKED[actor_rank])


@pytest.mark.parametrize(("actor_rank", "rank"), TABLE)
def test_the_api_lets_administrators_change_users_who_do_not_outrank_them(
    actor: User, user: User, actor_rank: str, rank: str
) -> None:
    token = ApiClient().post("/login", {"username": "actor", "password": PASSWORD}).json()["data"]["token"]

    response = ApiClient().bearing(token).patch(f"/users/{user.id}", {"firstName": "Changed"})

    is_allowed = actor.role == Role.ADMIN and rank in NOT_OUTRANKED[actor_rank]
    assert response.status_code == (200 if is_allowed else 403)
    user.refresh_from_db()
    assert user.first_name == ("Changed" if is_allowed else "")


@pytest.mark.parametrize("action", ["change", "password", "delete"])
@pytest.mark.parametrize(
    ("actor_rank", "rank"), [(actor, other) for actor, other in TABLE if "is_staff" in RANKS[actor]]
)
def test_the_admin_lets_staff_change_users_who_do_not_outrank_them(
    actor: User, user: User, actor_rank: str, rank: str, action: str
) -> None:
    browser = Client()
    browser.force_login(actor)
    create("another-admin", "ADMIN")

    response = browser.post(f"/admin/accounts/user/{user.id}/{action}/", {})

    expected = 200 if rank in NOT_OUTRANKED[actor_rank] else 403  # 200: the form, with its errors
    if rank == SELF:  # the password is changed on another page, the account deleted by the API
        expected = {"change": 200, "password": 302, "delete": 403}[action]
    assert response.status_code == expected
