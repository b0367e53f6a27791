"""Passkeys in Django's admin: superusers see them, and remove them for users who have lost theirs."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import AuditEvent, Role, User
from accounts.passkeys.models import Passkey, PasskeyAuditKind
from accounts.passkeys.testing.passkey_client import with_passkey
from accounts.passkeys.testing.stored import store_passkey
from accounts.testing.admin_browser import admin_browser
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

Outbox = Callable[[], list[EmailMessage]]
CONFIRM = {"confirm": "yes"}


@pytest.fixture
def browser(superuser: User) -> Client:
    return admin_browser(superuser)


def _text(browser: Client, path: str) -> str:
    response = browser.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_of_a_user_lists_the_passkeys(browser: Client, alice: User, bob: User) -> None:
    passkey = store_passkey(alice, name="<b>Phone</b>", credential_id=b"secret id")
    store_passkey(bob, name="Key of bob")

    page = _text(browser, f"/admin/accounts/user/{alice.id}/change/")

    assert "&lt;b&gt;Phone&lt;/b&gt;" in page
    assert f"/admin/passkeys/passkey/{passkey.id}/change/" in page
    assert "Key of bob" not in page


def test_a_passkey_and_the_list_show_no_key(browser: Client, alice: User) -> None:
    passkey = store_passkey(alice, credential_id=b"credential-id", public_key=b"public-key")

    for path in (f"/admin/passkeys/passkey/{passkey.id}/change/", f"/admin/passkeys/passkey/?q={alice.id}"):
        page = _text(browser, path)
        assert "Passkey" in page
        assert "credential-id" not in page
        assert "public-key" not in page


def test_the_list_is_searched_by_user(browser: Client, alice: User, bob: User) -> None:
    store_passkey(alice, name="Key of alice")
    store_passkey(bob, name="Key of bob")

    page = _text(browser, f"/admin/passkeys/passkey/?q={alice.email}")

    assert "Key of alice" in page
    assert "Key of bob" not in page


def test_a_superuser_removes_one_passkey(browser: Client, superuser: User, signed_in: SignedIn, outbox: Outbox) -> None:
    with_passkey(signed_in)
    lost = store_passkey(signed_in.user, name="Lost phone")

    browser.post(f"/admin/passkeys/passkey/{lost.id}/actions/remove/", CONFIRM)

    assert not Passkey.objects.filter(id=lost.id).exists()
    assert User.objects.get(id=signed_in.user.id).mfa_enabled
    event = AuditEvent.objects.get(kind=PasskeyAuditKind.REMOVED)
    assert (event.user_id, event.actor_id) == (signed_in.user.id, superuser.id)
    assert "Lost phone" in str(outbox()[-1].body)
    assert outbox()[-1].to == [signed_in.user.email]


def test_a_superuser_removes_all_passkeys_of_a_user(browser: Client, signed_in: SignedIn, outbox: Outbox) -> None:
    with_passkey(signed_in)
    store_passkey(signed_in.user, name="Second")

    browser.post(f"/admin/accounts/user/{signed_in.user.id}/actions/remove-passkeys/", CONFIRM)

    assert not Passkey.objects.exists()
    assert User.objects.get(id=signed_in.user.id).mfa_enabled is False
    removed = [message for message in outbox() if "removed" in str(message.subject)]
    assert len(removed) == 1
    assert "Second" in str(removed[0].body)


def test_superusers_do_not_remove_their_own_passkeys_here(browser: Client, superuser: User) -> None:
    passkey = store_passkey(superuser)

    paths = (
        f"/admin/accounts/user/{superuser.id}/actions/remove-passkeys/",
        f"/admin/passkeys/passkey/{passkey.id}/actions/remove/",
    )
    for path in paths:
        assert browser.post(path, CONFIRM).status_code == 403

    assert Passkey.objects.exists()


def test_an_administrator_who_is_no_superuser_removes_none(alice: User, mallory: User) -> None:
    User.objects.filter(id=mallory.id).update(role=Role.ADMIN, is_staff=True)
    mallory.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["accounts", "passkeys"]))
    passkey, browser = store_passkey(alice), admin_browser(User.objects.get(id=mallory.id))

    paths = (
        f"/admin/accounts/user/{alice.id}/actions/remove-passkeys/",
        f"/admin/passkeys/passkey/{passkey.id}/actions/remove/",
    )
    for path in paths:
        assert browser.post(path, CONFIRM).status_code == 403

    assert Passkey.objects.exists()


def test_removed_passkeys_end_pending_logins(browser: Client, signed_in: SignedIn) -> None:
    user = with_passkey(signed_in).user
    body = {"username": user.username, "password": PASSWORD}
    token = ApiClient().post("/login", body).json()["data"]["mfaToken"]

    browser.post(f"/admin/accounts/user/{user.id}/actions/remove-passkeys/", CONFIRM)

    assert ApiClient().post("/mfa/passkey/options", {"mfaToken": token}).json()["code"] == "token_invalid"
