"""Staff who may edit users in the admin can neither grant privileges nor change administrators."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from accounts.testing.api_client import PASSWORD


@pytest.fixture
def staff(db: None) -> tuple[User, Client]:
    """trudy may edit users in the admin, but is neither administrator nor superuser."""
    trudy = User.objects.create_user("trudy", "trudy@example.com", PASSWORD, is_staff=True)
    trudy.user_permissions.set(Permission.objects.filter(content_type__model="user"))
    browser = Client()
    browser.force_login(trudy)
    return trudy, browser


def test_staff_who_may_edit_users_cannot_grant_privileges(staff: tuple[User, Client], alice: User) -> None:
    trudy, browser = staff
    privileges = {
        "is_superuser": "on",
        "is_staff": "on",
        "role": "ADMIN",
        "groups": [],
        "is_active": "on",
        "language": "en",
    }

    for user in (trudy, alice):
        form = privileges | {"username": user.username, "email": user.email, "first_name": "Changed"}
        assert browser.post(f"/admin/accounts/user/{user.id}/change/", form).status_code == 302

    assert User.objects.filter(first_name="Changed").count() == 2
    assert not User.objects.filter(is_superuser=True).exists()
    assert set(User.objects.values_list("role", flat=True)) == {"USER"}
    alice.refresh_from_db()
    assert not alice.is_staff


@pytest.mark.parametrize("above", ["superuser", "admin"])
def test_staff_who_may_edit_users_cannot_change_administrators(
    request: pytest.FixtureRequest, staff: tuple[User, Client], above: str
) -> None:
    user, browser = request.getfixturevalue(above), staff[1]
    form = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    path = f"/admin/accounts/user/{user.id}"

    responses = [
        browser.post(f"{path}/{action}/", form | {"post": "yes"}) for action in ("change", "password", "delete")
    ]

    assert [response.status_code for response in responses] == [403, 403, 403]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_staff_with_view_permission_see_the_page_of_a_superuser_read_only(
    staff: tuple[User, Client], superuser: User
) -> None:
    page = staff[1].get(f"/admin/accounts/user/{superuser.id}/change/")

    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
