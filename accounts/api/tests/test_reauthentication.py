"""A stolen access token cannot take over an account: changing one's own email or password requires the password."""

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
def test_administrators_need_their_password_to_change_their_own_email_or_password(
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


def test_wrong_passwords_share_the_limit_of_all_password_prompts(
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
def test_other_changes_need_no_password(admin: User, sign_in: SignIn, changes: dict[str, Any]) -> None:
    assert sign_in(admin).client.patch(f"/users/{admin.id}", changes).status_code == 200


def test_changing_another_account_needs_no_password(admin: User, alice: User, sign_in: SignIn) -> None:
    response = sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "alice@example.org", "password": NEW})

    assert response.status_code == 200


def test_a_proof_is_invalid_after_the_password_changed(
    admin: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulate a race: a reset commits between the password check and the lock."""
    client, apply = sign_in(admin).client, side_effects.apply_changes

    def change_first(before: User, *args: Any, **kwargs: Any) -> User:
        before.password = "another hash"
        return apply(before, *args, **kwargs)

    monkeypatch.setattr(side_effects, "apply_changes", change_first)

    response = client.patch(f"/users/{admin.id}", {"email": "mallory@evil.example", "currentPassword": PASSWORD})

    assert response.status_code == 403
    assert User.objects.get(id=admin.id).email == "carol@example.com"


@pytest.mark.parametrize("values", [{"email": "m@evil.example", "email_key": "m@evil.example"}, {"password": "x"}])
def test_the_shared_service_rejects_a_change_without_a_proof(admin: User, values: dict[str, Any]) -> None:
    with pytest.raises(PermissionDenied):
        side_effects.apply_changes(admin, values, email_verified=None, actor_id=admin.id)

    assert User.objects.get(id=admin.id).email == "carol@example.com"


def test_the_password_page_of_the_admin_rejects_ones_own_account(admin: User) -> None:
    changed = copy(admin)
    changed.password = "x"

    with pytest.raises(PermissionDenied):
        side_effects.after_password_set(admin, changed, actor_id=admin.id)


@pytest.mark.parametrize("spelling", ["{id}", "{hex}", "{upper}", "urn:uuid:{id}"])
def test_no_spelling_of_ones_own_id_bypasses_the_password_prompt_in_the_admin(
    superuser: User, admin: User, spelling: str
) -> None:
    """Django resolves each spelling to the same user. `admin` exists so that grace is not the last administrator."""
    browser, before = Client(), _credentials(superuser)
    browser.force_login(superuser)
    own = spelling.format(id=superuser.id, hex=superuser.id.hex, upper=str(superuser.id).upper())
    form = {"username": "grace", "email": "mallory@evil.example", "language": "en", "role": "ADMIN", "is_active": "on"}
    form |= {"is_staff": "on", "is_superuser": "on", "email_verified_at_0": "", "email_verified_at_1": ""}
    new = {"usable_password": "true", "password1": NEW, "password2": NEW}

    for page, data in [("change", form), ("password", new), ("delete", {"post": "yes"})]:
        browser.post(f"/admin/accounts/user/{own}/{page}/", data)

    assert _credentials(superuser) == before


def test_no_route_of_the_api_changes_ones_own_email_or_password_without_the_password(
    api: ApiClient, admin: User, sign_in: SignIn
) -> None:
    """Call every path and method of the schema with every field that could carry a new email or password."""
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
