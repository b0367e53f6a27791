"""Permissions in the admin: who may change groups, users, service clients and the own account, and the audit of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client, TestCase
from django.urls import reverse

from accounts.models import AuditEvent, AuditKind, ServiceClient, User
from accounts.services import service_clients
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import enrol

SignIn = Callable[..., SignedIn]


@pytest.fixture
def browser(superuser: User) -> Client:
    """The browser of grace, signed in to the admin."""
    browser = Client()
    browser.force_login(superuser)
    return browser


@pytest.fixture
def trudy(db: None) -> User:
    """Staff, but neither administrator nor superuser."""
    return User.objects.create_user("trudy", "trudy@example.com", PASSWORD, is_staff=True)


def _is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def _permission(name: str) -> Permission:
    return Permission.objects.get(codename=name)


def _facts(kind: AuditKind) -> list[dict[str, Any]]:
    return [event.facts for event in AuditEvent.objects.filter(kind=kind).order_by("id")]


def test_the_audit_records_creation_change_and_deletion_of_a_group(browser: Client, superuser: User) -> None:
    view, change = _permission("view_user"), _permission("change_user")
    browser.post("/admin/auth/group/add/", {"name": "support", "permissions": [view.id]})
    group = Group.objects.get()
    page = f"/admin/auth/group/{group.id}"

    browser.post(f"{page}/change/", {"name": "helpers", "permissions": [change.id]})
    browser.post(f"{page}/change/", {"name": "helpers", "permissions": [change.id]})
    browser.post(f"{page}/delete/", {"post": "yes"})

    assert _facts(AuditKind.GROUP_CHANGED) == [
        {"what": "created", "group": "support", "granted": "accounts.view_user"},
        {"what": "changed", "group": "helpers", "formerly": "support"}
        | {"granted": "accounts.change_user", "revoked": "accounts.view_user"},
        {"what": "deleted", "group": "helpers", "revoked": "accounts.change_user"},
    ]
    assert set(AuditEvent.objects.values_list("actor_id", flat=True)) == {superuser.id}
    assert not LogEntry.objects.exists()


def test_only_superusers_change_groups_whatever_permissions_others_have(trudy: User) -> None:
    group = Group.objects.create(name="clerks")
    trudy.groups.add(group)
    trudy.user_permissions.set(Permission.objects.filter(content_type__model="group"))
    browser = Client()
    browser.force_login(trudy)

    form = {"name": "clerks", "permissions": [_permission("delete_user").id]}
    responses = [browser.post(f"/admin/auth/group/{way}/", form) for way in (f"{group.id}/change", "add")]

    assert [response.status_code for response in responses] == [403, 403]
    assert not User.objects.get(id=trudy.id).has_perm("accounts.delete_user")
    assert not AuditEvent.objects.exists()


def test_the_audit_records_permissions_granted_to_a_user(browser: Client, superuser: User, trudy: User) -> None:
    support = Group.objects.create(name="support")
    trudy.user_permissions.add(_permission("view_user"))
    form = {"username": "trudy", "email": "trudy@example.com", "language": "en", "role": "USER", "is_active": "on"}
    form |= {"is_staff": "on"}

    given = {"groups": [support.id], "user_permissions": [_permission("change_user").id]}
    for _ in range(2):  # the second changes nothing
        assert browser.post(f"/admin/accounts/user/{trudy.id}/change/", form | given).status_code == 302

    event = AuditEvent.objects.get()
    assert (event.kind, event.user_id, event.actor_id) == (AuditKind.USER_CHANGED, trudy.id, superuser.id)
    assert event.facts == {
        "fields": "permissions", "granted": "accounts.change_user, group support", "revoked": "accounts.view_user",
    }  # fmt: skip


def test_the_audit_records_changes_of_a_service_client(browser: Client, superuser: User) -> None:
    client, secret = service_clients.create(name="billing")
    page = f"/admin/accounts/serviceclient/{client.id}"

    browser.post(f"{page}/change/", {"name": "billing", "is_active": "on"})
    browser.post(f"{page}/change/", {"name": "shop"})
    assert not ServiceClient.objects.get().is_active
    browser.post(f"{page}/delete/", {"post": "yes"})

    assert not ServiceClient.objects.exists()
    facts = _facts(AuditKind.SERVICE_CLIENT_CHANGED)
    assert [(item["what"], item["name"], item.get("formerly")) for item in facts] == [
        ("created", "billing", None), ("deactivated", "shop", "billing"), ("deleted", "shop", None),
    ]  # fmt: skip
    assert {item["client"] for item in facts} == {str(client.id)}
    assert secret not in str(facts)
    actors = AuditEvent.objects.order_by("id").values_list("actor_id", flat=True)
    assert list(actors) == [None, superuser.id, superuser.id]


def test_administrators_change_their_own_password_only_with_the_current_one(browser: Client, superuser: User) -> None:
    form = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    address = f"/admin/accounts/user/{superuser.id}/password/"

    responses = [browser.get(address), browser.post(address, form)]

    assert [response["Location"] for response in responses] == [reverse("admin:password_change")] * 2
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)
    assert address not in browser.get(f"/admin/accounts/user/{superuser.id}/change/").content.decode()


def test_administrators_cannot_change_their_own_email_or_second_factor_without_the_password(
    browser: Client, superuser: User, sign_in: SignIn
) -> None:
    enrol(sign_in(superuser))
    page = f"/admin/accounts/user/{superuser.id}"
    form = {"username": "grace", "email": "mallory@example.com", "language": "en", "role": "ADMIN", "is_active": "on"}

    browser.post(f"{page}/change/", form | {"is_staff": "on", "is_superuser": "on", "first_name": "Grace"})
    response = browser.post(f"{page}/actions/reset-second-factor/", {"confirm": "yes"})
    action = {"action": "reset-second-factor", "_selected_action": str(superuser.id), "confirm": "yes"}
    browser.post("/admin/accounts/user/", action)

    superuser.refresh_from_db()
    assert (superuser.first_name, superuser.email) == ("Grace", "grace@example.com")
    assert response.status_code == 403
    assert superuser.mfa_enabled


@pytest.mark.parametrize("way", ["/logout-all", "/users/{id}/revoke-sessions"])
def test_sign_out_everywhere_ends_admin_sessions_too(
    browser: Client, superuser: User, admin: User, sign_in: SignIn, way: str
) -> None:
    other = Client()
    other.force_login(admin)
    admin.is_staff = True
    admin.save()
    caller = sign_in(superuser)
    assert _is_signed_in(browser)

    assert caller.client.post(way.format(id=superuser.id)).status_code == 200

    assert not _is_signed_in(browser)
    assert _is_signed_in(other)
    browser.force_login(User.objects.get(id=superuser.id))
    assert _is_signed_in(browser)


def test_a_logout_from_the_api_leaves_the_admin_session_active(
    browser: Client, superuser: User, sign_in: SignIn
) -> None:
    session = sign_in(superuser)

    assert session.client.post("/logout").status_code == 200

    assert session.client.get("/me").status_code == 401
    assert _is_signed_in(browser)


def test_the_sign_out_action_ends_admin_sessions_too(browser: Client, trudy: User) -> None:
    session = Client()
    session.force_login(trudy)
    assert _is_signed_in(session)

    with TestCase.captureOnCommitCallbacks(execute=True):
        browser.post(f"/admin/accounts/user/{trudy.id}/actions/revoke-sessions/", {"confirm": "yes"})

    assert not _is_signed_in(session)
    assert _is_signed_in(browser)


def test_an_activation_restores_no_admin_session(superuser: User, trudy: User, sign_in: SignIn) -> None:
    session, api = Client(), sign_in(superuser).client
    session.force_login(trudy)
    assert _is_signed_in(session)

    for is_active in (False, True):
        assert api.patch(f"/users/{trudy.id}", {"isActive": is_active}).status_code == 200

    assert not _is_signed_in(session)


def test_saving_a_stale_user_restores_no_admin_session(browser: Client, superuser: User, sign_in: SignIn) -> None:
    stale = User.objects.get(id=superuser.id)
    assert sign_in(superuser).client.post("/logout-all").status_code == 200

    stale.first_name = "Grace"
    stale.save()

    assert User.objects.get(id=superuser.id).first_name == "Grace"
    assert not _is_signed_in(browser)


@pytest.mark.parametrize(
    "address",
    [
        "sessions_tracking/session/?refresh_jti__startswith=0", "accounts/serviceclient/?secret_hash__startswith=a",
        "accounts/user/?password__startswith=b", "accounts/user/?known_devices__contains=a",
        "accounts/outboxemail/?user__password__startswith=b", "accounts/auditevent/?facts__contains=a",
    ],
)  # fmt: skip
def test_lookups_in_the_url_cannot_reveal_secrets(browser: Client, address: str) -> None:
    assert browser.get(f"/admin/{address}").status_code == 400


def test_api_tokens_and_admin_sessions_are_not_interchangeable(superuser: User, sign_in: SignIn) -> None:
    browser = Client(HTTP_AUTHORIZATION=f"Bearer {sign_in(superuser).access}")
    assert not _is_signed_in(browser)

    api = ApiClient()
    api.force_login(superuser)
    assert api.get("/me").json()["code"] == "authentication_required"
