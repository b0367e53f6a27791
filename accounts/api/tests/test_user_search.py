"""The list of users: pages, search, filters and order."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

SignIn = Callable[..., SignedIn]


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> ApiClient:
    return sign_in(admin).client


@pytest.fixture
def users(admin: User, alice: User, bob: User, mallory: User) -> list[str]:
    """The usernames, oldest account first; alice has names, bob is inactive, mallory is an administrator."""
    User.objects.filter(id=alice.id).update(first_name="Alice", last_name="Liddell")
    User.objects.filter(id=bob.id).update(is_active=False)
    User.objects.filter(id=mallory.id).update(role=Role.ADMIN)
    names = ["carol", "alice", "bob", "mallory"]
    for age, name in enumerate(reversed(names)):
        User.objects.filter(username=name).update(created_at=timezone.now() - timedelta(days=age))
    return names


def names(client: ApiClient, **query: object) -> list[str]:
    response = client.get(f"/users?{urlencode(query)}")
    assert response.status_code == 200, response.content
    assert response.json()["data"]["count"] >= len(response.json()["data"]["users"])
    return [user["username"] for user in response.json()["data"]["users"]]


def test_the_list_shows_the_newest_first_and_no_secret_fields(client: ApiClient, users: list[str]) -> None:
    data = client.get("/users").json()["data"]

    assert (data["count"], data["page"], data["pageSize"]) == (4, 1, 20)
    assert [user["username"] for user in data["users"]] == users[::-1]
    assert set(data["users"][0]) >= {"id", "email", "role", "isActive", "emailVerified", "createdAt", "lastLoginAt"}
    assert not set(data["users"][0]) & {"password", "isStaff", "isSuperuser"}


def test_pages_follow_each_other_without_gaps(client: ApiClient, users: list[str]) -> None:
    pages = [names(client, page=page, pageSize=3, ordering="createdAt") for page in (1, 2, 3)]

    assert pages == [users[:3], users[3:], []]


def test_a_page_costs_two_queries_whatever_its_size(
    client: ApiClient, users: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/users")

    with django_assert_num_queries(2):
        assert len(names(client, search="example")) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice", ["alice"]), ("ALICE@EXAMPLE.COM", ["alice"]), ("lic", ["alice"]), ("liddell", ["alice"]),
        ("Alice Liddell", ["alice"]), ("alice bob", []), ("example.com", ["alice", "bob", "carol", "mallory"]),
        ("%", []), ("_", []), ("a_ice", []), ("", ["alice", "bob", "carol", "mallory"]), ("' OR 1=1 --", []),
        ("\uff41\uff4c\uff49\uff43\uff45@example.com", ["alice"]),
    ],
)  # fmt: skip
def test_search_matches_email_username_and_names(
    client: ApiClient, users: list[str], text: str, expected: list[str]
) -> None:
    assert names(client, search=text, ordering="username") == expected


def test_search_matches_only_whole_ids(client: ApiClient, users: list[str], alice: User) -> None:
    assert names(client, search=str(alice.id)) == ["alice"]
    assert names(client, search=str(alice.id)[:-1]) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"role": "ADMIN"}, ["carol", "mallory"]), ({"emailVerified": "false"}, ["bob"]),
        ({"isActive": "true"}, ["alice", "carol", "mallory"]), ({"isActive": "false", "role": "ADMIN"}, []),
        ({"emailVerified": "true", "role": "USER", "search": "example"}, ["alice"]),
    ],
)  # fmt: skip
def test_filters_narrow_the_list(
    client: ApiClient, users: list[str], query: dict[str, str], expected: list[str]
) -> None:
    assert names(client, ordering="username", **query) == expected


@pytest.mark.parametrize(
    ("ordering", "order"),
    [
        ("username", ["alice", "bob", "carol", "mallory"]), ("-username", ["mallory", "carol", "bob", "alice"]),
        ("email", ["alice", "bob", "carol", "mallory"]), ("createdAt", ["carol", "alice", "bob", "mallory"]),
    ],
)  # fmt: skip
def test_the_list_can_be_ordered(client: ApiClient, users: list[str], ordering: str, order: list[str]) -> None:
    assert names(client, ordering=ordering) == order


@pytest.mark.parametrize("ordering", ["lastLoginAt", "-lastLoginAt"])
def test_users_who_never_signed_in_are_last_in_both_directions(
    client: ApiClient, users: list[str], ordering: str
) -> None:
    assert names(client, ordering=ordering)[0] == "carol"


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=x", "page=", "page=1.0", "page=%D9%A1", "page=99999999999999999999", "page=1&page=2",
        "pageSize=0", "pageSize=101", "pageSize=1e2", "role=ROOT", "role=", "emailVerified=1", "isActive=True",
        "ordering=password", "ordering=--username", "ordering=", "search=%00", "search=a%0Ab", "other=%00", "%00=1",
        f"search={'x' * 101}",
    ],
)  # fmt: skip
def test_an_invalid_query_is_rejected(client: ApiClient, query: str) -> None:
    response = client.get(f"/users?{query}")

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert response.json()["errors"]


def test_unknown_parameters_change_nothing(client: ApiClient, users: list[str]) -> None:
    assert len(names(client, password__startswith="a", q=PASSWORD)) == 4
