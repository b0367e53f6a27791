"""A stolen access token takes no account over: whatever changes one's own email or password needs the password."""

from collections.abc import Callable
from copy import copy
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.services.administration import side_effects
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from core.api.exceptions import PermissionDenied

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"
SENSITIVE: list[dict[str, Any]] = [
    {"email": "mallory@evil.example"},
    {"email": "CAROL@example.com"},
    {"email": "mallory@evil.example", "emailVerified": True},
    {"emailVerified": False},
    {"password": NEW},
    {"password": PASSWORD},
    {"email": "mallory@evil.example", "password": NEW, "firstName": "Carol"},
]


def _credentials(user: User) -> tuple[Any, ...]:
    stored = User.objects.get(id=user.id)
    return stored.email, stored.email_verified_at, stored.password, stored.first_name


@pytest.mark.parametrize("changes", SENSITIVE)
def test_administrators_change_their_own_email_or_password_with_the_current_one_only(
    admin: User, sign_in: SignIn, outbox: Outbox, changes: dict[str, Any]
) -> None:
    before, client = _credentials(admin), sign_in(admin).client

    missing = client.patch(f"/users/{admin.id}", changes)
    wrong = client.patch(f"/users/{admin.id}", changes | {"currentPassword": "Wrong-Horse-7"})

    assert (missing.status_code, missing.json()["code"]) == (400, "validation_error")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "password_incorrect")
    assert list(missing.json()["errors"]) == list(wrong.json()["errors"]) == ["currentPassword"]
    assert _credentials(admin) == before
    assert outbox() == []
    assert client.patch(f"/users/{admin.id}", changes | {"currentPassword": PASSWORD}).status_code == 200
    assert _credentials(admin) != before


def test_a_stolen_token_guesses_the_password_there_no_more_often_than_at_the_other_prompts(
    limits_on: Settings, admin: User, sign_in: SignIn
) -> None:
    client = sign_in(admin).client
    guess = {"email": "mallory@evil.example", "currentPassword": "Wrong-Horse-7"}

    codes = [client.patch(f"/users/{admin.id}", guess).status_code for _ in range(5)]
    right = client.patch(f"/users/{admin.id}", guess | {"currentPassword": PASSWORD})

    assert codes == [400] * 5
    assert (right.status_code, right.json()["code"]) == (429, "rate_limited")
    assert client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}).status_code == 429


@pytest.mark.parametrize(
    "changes", [{"firstName": "Carol"}, {"email": "carol@example.com"}, {"emailVerified": True}, {"language": "fr"}]
)
def test_what_changes_neither_needs_no_password(admin: User, sign_in: SignIn, changes: dict[str, Any]) -> None:
    assert sign_in(admin).client.patch(f"/users/{admin.id}", changes).status_code == 200


def test_other_peoples_accounts_are_changed_without_it(admin: User, alice: User, sign_in: SignIn) -> None:
    reply = sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "alice@example.org", "password": NEW})

    assert reply.status_code == 200


def test_a_password_that_changed_since_it_was_given_proves_nothing(
    admin: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a race: the reset commits between the check of the password and the lock."""
    client, apply = sign_in(admin).client, side_effects.apply_changes

    def change_first(before: User, *args: Any, **kwargs: Any) -> User:
        before.password = "another hash"
        return apply(before, *args, **kwargs)

    monkeypatch.setattr(side_effects, "apply_changes", change_first)

    reply = client.patch(f"/users/{admin.id}", {"email": "mallory@evil.example", "currentPassword": PASSWORD})

    assert reply.status_code == 403
    assert User.objects.get(id=admin.id).email == "carol@example.com"


@pytest.mark.parametrize("values", [{"email": "m@evil.example", "email_key": "m@evil.example"}, {"password": "x"}])
def test_the_service_that_all_entry_points_share_refuses_without_a_proof(admin: User, values: dict[str, Any]) -> None:
    with pytest.raises(PermissionDenied):
        side_effects.apply_changes(admin, values, email_verified=None, actor_id=admin.id)

    assert User.objects.get(id=admin.id).email == "carol@example.com"


def test_the_service_behind_the_password_page_of_the_admin_refuses_ones_own(admin: User) -> None:
    changed = copy(admin)
    changed.password = "x"

    with pytest.raises(PermissionDenied):
        side_effects.after_password_set(admin, changed, actor_id=admin.id)


@pytest.mark.parametrize("spelling", ["{id}", "{hex}", "{upper}", "urn:uuid:{id}"])
def test_no_spelling_of_ones_own_id_opens_a_page_of_the_admin_without_the_password(
    superuser: User, admin: User, spelling: str
) -> None:
    """Django reads each of them as the same user. `admin` is there so that grace is not the last one."""
    browser, before = Client(), _credentials(superuser)
    browser.force_login(superuser)
    own = spelling.format(id=superuser.id, hex=superuser.id.hex, upper=str(superuser.id).upper())
    form = {"username": "grace", "email": "mallory@evil.example", "language": "en", "role": "ADMIN", "is_active": "on"}
    form |= {"is_staff": "on", "is_superuser": "on", "email_verified_at_0": "", "email_verified_at_1": ""}
    new = {"usable_password": "true", "password1": NEW, "password2": NEW}

    for page, sent in [("change", form), ("password", new), ("delete", {"post": "yes"})]:
        browser.post(f"/admin/accounts/user/{own}/{page}/", sent)

    assert _credentials(superuser) == before


def test_no_route_of_the_api_sets_an_email_or_password_of_ones_own_by_the_token_alone(
    api: ApiClient, admin: User, sign_in: SignIn
) -> None:
    """Every path and method of the schema, with every field that could carry a new email or password."""
    client, before = sign_in(admin).client, _credentials(admin)
    planted = {
        "email": "mallory@evil.example", "newEmail": "mallory@evil.example", "password": NEW, "newPassword": NEW,
        "emailVerified": False, "username": "carol",
    }  # fmt: skip
    paths = api.get("/api/schema", HTTP_ACCEPT="application/json").json()["paths"]
    routes = [
        (verb, path) for path, methods in paths.items() for verb in methods if verb in {"post", "patch", "delete"}
    ]
    assert ("patch", "/api/auth/users/{id}") in routes

    for verb, path in routes:
        if "logout" not in path and "revoke" not in path:
            getattr(client, verb)(path.format(id=admin.id), planted)

    assert _credentials(admin) == before
