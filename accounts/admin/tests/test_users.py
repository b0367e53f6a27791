"""Changes of users in the admin have the effects of the same changes through the API."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection
from django.forms.models import model_to_dict
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import formats, timezone

from accounts.models import AuditEvent, EmailState, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import UserWithTotp

Admin = Callable[..., Any]


@pytest.fixture
def post(superuser: User) -> Admin:
    """`post(alice, "change", is_active=False)` submits the form of a user as grace."""
    browser = Client()
    browser.force_login(superuser)

    def send(user: User, action: str, **changes: Any) -> Any:
        fields = ("username", "email", "first_name", "last_name", "language", "role", "is_active")
        form = {
            name: value for name, value in (model_to_dict(user, fields) | changes).items() if value not in (None, False)
        }
        if user.email_verified_at:
            form = _split("email_verified_at", user.email_verified_at) | form
        with TestCase.captureOnCommitCallbacks(execute=True):
            return browser.post(f"/admin/accounts/user/{user.id}/{action}/", form)

    return send


def _split(name: str, timestamp: datetime) -> dict[str, str]:
    return {f"{name}_0": f"{timestamp:%Y-%m-%d}", f"{name}_1": f"{timestamp:%H:%M:%S}"}


def _page(user: User, actor: User) -> dict[str, Any]:
    """Return the hidden field of the page of a user: the version of the user that it shows."""
    browser = Client()
    browser.force_login(actor)
    html = browser.get(f"/admin/accounts/user/{user.id}/change/").content.decode()
    seen = re.search(r'name="version" value="([^"]+)"', html)
    assert seen
    return {"version": seen[1]}


def test_a_deactivation_in_the_admin_ends_the_sessions_immediately(
    alice: User, sign_in: Callable[..., SignedIn], post: Admin
) -> None:
    session = sign_in(alice)
    assert session.client.get("/me").status_code == 200

    assert post(alice, "change", is_active=False).status_code == 302

    assert session.client.get("/me").json()["code"] == "session_revoked"


def test_a_new_password_set_in_the_admin_ends_the_sessions_immediately(
    alice: User, sign_in: Callable[..., SignedIn], post: Admin
) -> None:
    session = sign_in(alice)
    session.client.get("/me")

    form = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    assert post(alice, "password", **form).status_code == 302

    assert session.client.get("/me").json()["code"] == "session_revoked"


def test_a_change_of_role_applies_to_the_next_request(
    alice: User, sign_in: Callable[..., SignedIn], post: Admin
) -> None:
    session = sign_in(alice)
    assert session.client.get("/users").status_code == 403

    assert post(alice, "change", role="ADMIN").status_code == 302

    assert session.client.get("/users").status_code == 200


def test_a_deletion_in_the_admin_ends_the_sessions_immediately(
    alice: User, sign_in: Callable[..., SignedIn], post: Admin
) -> None:
    session = sign_in(alice)
    session.client.get("/me")

    assert post(alice, "delete", post="yes").status_code == 302

    assert session.client.get("/me").json()["code"] == "session_revoked"


@pytest.mark.parametrize(
    "changes",
    [{"email": "MALLORY@example.com"}, {"username": "Mallory"}, {"username": "sp ace!"}, {"email": "a@localhost"}],
)
def test_the_rules_for_emails_and_usernames_are_errors_of_the_form(
    alice: User, mallory: User, post: Admin, changes: dict[str, str]
) -> None:
    response = post(alice, "change", **changes)

    assert response.status_code == 200
    assert response.context["adminform"].form.errors.keys() == changes.keys()
    alice.refresh_from_db()
    assert (alice.email, alice.username) == ("alice@example.com", "alice")


@pytest.mark.parametrize("changes", [{"role": "USER"}, {"is_active": False}])
def test_the_last_administrator_cannot_be_demoted_or_deactivated(
    superuser: User, post: Admin, changes: dict[str, Any]
) -> None:
    response = post(superuser, "change", is_staff=True, is_superuser=True, **changes)

    assert response.status_code == 200
    assert User.objects.filter(role="ADMIN", is_active=True).count() == 1


def test_the_last_administrator_cannot_be_deleted(superuser: User, post: Admin) -> None:
    assert post(superuser, "delete", post="yes").status_code == 403

    assert User.objects.filter(id=superuser.id).exists()


@pytest.mark.skipif(
    os.environ.get("TEST_DB") != "postgresql", reason="SQLite has one writer at a time, and no locks of rows"
)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", ["change", "delete"])
def test_one_of_two_administrators_who_demote_each_other_remains(action: str) -> None:
    for turn in range(5):
        admins = [User.objects.create_superuser(f"{name}{turn}", password=PASSWORD) for name in ("grace", "carol")]
        fields = {"role": "USER", "is_active": "on", "language": "en"} if action == "change" else {"post": "yes"}

        browsers = [Client(), Client()]
        for browser, actor in zip(browsers, admins, strict=True):
            browser.force_login(actor)

        def turn_on(browser: Client, user: User, fields: dict[str, str] = fields) -> int:
            path = f"/admin/accounts/user/{user.id}/{action}/"
            status = browser.post(path, fields | {"username": user.username}).status_code
            connection.close()
            return int(status)

        with ThreadPoolExecutor() as threads:
            statuses = list(threads.map(turn_on, browsers, reversed(admins)))

        assert set(statuses) <= {200, 302, 403}
        assert User.objects.filter(role="ADMIN", is_active=True).count() == 1
        User.objects.all().delete()


@pytest.mark.parametrize("action", ["change", "password", "delete"])
def test_rows_are_locked_in_one_statement_and_in_the_order_of_the_api(
    alice: User, superuser: User, admin: User, post: Admin, action: str
) -> None:
    """If rows were locked one by one, two requests could deadlock."""
    if not connection.features.has_select_for_update:
        pytest.skip("SQLite has no row locks")
    for user, all_admins in ((alice, False), (admin, True)):
        with CaptureQueriesContext(connection) as queries:
            post(
                user,
                action,
                post="yes",
                usable_password="true",
                password1="Another-Horse-8",
                password2="Another-Horse-8",
            )

        locks = {
            query["sql"] for query in queries if "FOR UPDATE" in query["sql"] and '"accounts_user"' in query["sql"]
        }
        assert len(locks) == 1
        lock = locks.pop()
        assert 'ORDER BY "accounts_user"."id" ASC FOR UPDATE' in lock
        assert ("'ADMIN'" in lock) is all_admins


def test_a_change_of_email_invalidates_links_sent_to_the_old_one(
    api: ApiClient, alice: User, post: Admin, outbox: Callable[[], list[EmailMessage]]
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    token = token_in(outbox()[0])

    assert post(alice, "change", email="alice@example.org").status_code == 302

    assert api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 400


def test_a_user_created_in_the_admin_gets_a_verification_email(
    superuser: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    browser = Client()
    browser.force_login(superuser)
    password = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    with TestCase.captureOnCommitCallbacks(execute=True):
        browser.post("/admin/accounts/user/add/", {"username": "eve", "email": "eve@example.com"} | password)

    assert [message.to for message in outbox()] == [["eve@example.com"]]
    assert code_in(outbox()[0])


def test_a_deactivation_reason_is_kept_until_the_activation(alice: User, superuser: User, post: Admin) -> None:
    post(alice, "change", is_active=False, deactivation_reason="Left the company")
    alice.refresh_from_db()
    assert (alice.is_active, alice.deactivation_reason) == (False, "Left the company")
    assert User.objects.filter(id=alice.id).exclude(deactivated_at=None).exists()

    post(alice, "change", is_active=True, deactivation_reason="Left the company")

    assert User.objects.filter(id=alice.id, is_active=True, deactivation_reason="", deactivated_at=None).exists()
    events = AuditEvent.objects.filter(user_id=alice.id).order_by("id")
    assert [(event.kind, event.actor_id, event.facts) for event in events] == [
        ("user_deactivated", superuser.id, {"reason": "Left the company"}),
        ("user_reactivated", superuser.id, {}),
    ]


def test_the_audit_records_changes_made_in_the_admin(alice: User, superuser: User, post: Admin) -> None:
    form = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}

    post(alice, "change", role="ADMIN", first_name="Alicia")
    post(alice, "password", **form)
    post(alice, "delete", post="yes")

    events = AuditEvent.objects.filter(user_id=alice.id, actor_id=superuser.id).order_by("id")
    assert [(event.kind, event.facts) for event in events] == [
        ("role_changed", {"from": "USER", "to": "ADMIN"}),
        ("user_changed", {"fields": "firstName"}),
        ("user_changed", {"fields": "password"}),
        ("account_deleted", {}),
    ]


def test_a_stale_page_does_not_undo_another_change(
    alice: User,
    superuser: User,
    post: Admin,
    sign_in: Callable[..., SignedIn],
    outbox: Callable[[], list[EmailMessage]],
) -> None:
    page = model_to_dict(alice, ("email",)) | _page(alice, superuser)
    client = sign_in(alice).client
    client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    code = next(code_in(message) for message in outbox() if message.to == ["alice@example.org"])
    assert client.post("/change-email/confirm", {"code": code}).status_code == 200

    response = post(alice, "change", first_name="Alicia", **page)

    assert response.status_code == 200
    assert response.context["adminform"].form.non_field_errors() == [
        "This user was changed after you opened the page. Reload it and try again."
    ]
    alice.refresh_from_db()
    assert (alice.email, alice.first_name) == ("alice@example.org", "")
    assert post(alice, "change", first_name="Alicia", **_page(alice, superuser)).status_code == 302
    assert User.objects.filter(first_name="Alicia", email="alice@example.org").exists()
    assert alice.email_changes.get().closed_at is None


def test_a_new_email_must_be_verified(alice: User, post: Admin, outbox: Callable[[], list[EmailMessage]]) -> None:
    assert post(alice, "change", email="alice@example.org").status_code == 302

    alice.refresh_from_db()
    assert (alice.email_verified, alice.email_key) == (False, "alice@example.org")
    old, new = sorted(outbox(), key=lambda message: message.to)
    assert (old.to, new.to) == (["alice@example.com"], ["alice@example.org"])
    assert code_in(new)
    assert AuditEvent.objects.get().facts == {"fields": "email, emailVerified"}


def test_a_new_email_marked_as_verified_in_the_same_form_needs_no_code(
    alice: User, post: Admin, outbox: Callable[[], list[EmailMessage]]
) -> None:
    timestamp = datetime.fromisoformat("2026-01-01T12:00:00+00:00")

    post(alice, "change", email="alice@example.org", **_split("email_verified_at", timestamp))

    alice.refresh_from_db()
    assert (alice.email, alice.email_verified_at) == ("alice@example.org", timestamp)
    assert [message.to for message in outbox()] == [["alice@example.com"]]


def test_marking_an_email_as_unverified_invalidates_sent_links(
    api: ApiClient, alice: User, post: Admin, outbox: Callable[[], list[EmailMessage]]
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    token = token_in(outbox()[0])

    post(alice, "change", email_verified_at_0="", email_verified_at_1="")

    assert User.objects.filter(id=alice.id, email_verified_at=None).exists()
    assert api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 400


def test_an_activated_user_with_an_unverified_email_gets_a_code(
    bob: User, post: Admin, outbox: Callable[[], list[EmailMessage]]
) -> None:
    User.objects.filter(id=bob.id).update(is_active=False)
    bob.refresh_from_db()

    post(bob, "change", is_active=True)

    assert [message.to for message in outbox()] == [["bob@example.com"]]
    assert code_in(outbox()[0])


def test_groups_and_permissions_are_saved(alice: User, post: Admin) -> None:
    clerks = Group.objects.create(name="clerks")

    post(alice, "change", is_staff=True, groups=[clerks.id])

    alice.refresh_from_db()
    assert (alice.is_staff, list(alice.groups.all())) == (True, [clerks])
    facts = [event.facts for event in AuditEvent.objects.order_by("id")]
    assert facts == [{"fields": "isStaff"}, {"fields": "permissions", "granted": "group clerks"}]


def test_the_owner_is_notified_of_a_password_set_in_the_admin_and_a_pending_reset_is_cancelled(
    api: ApiClient, alice: User, post: Admin, outbox: Callable[[], list[EmailMessage]]
) -> None:
    api.post("/forgot-password", {"email": alice.email})

    post(alice, "password", usable_password="true", password1="Another-Horse-8", password2="Another-Horse-8")

    assert [(message.to, message.subject) for message in outbox()] == [([alice.email], "Your password was changed")]


def test_a_password_form_that_sets_no_password_changes_nothing(alice: User, post: Admin) -> None:
    assert post(alice, "password", usable_password="false").status_code == 302

    assert not AuditEvent.objects.exists()
    assert not OutboxEmail.objects.exists()


def test_changepassword_cancels_a_pending_reset(api: ApiClient, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    api.post("/forgot-password", {"email": alice.email})
    monkeypatch.setattr("getpass.getpass", lambda *_args, **_kwargs: "Another-Horse-8")

    call_command("changepassword", "alice", verbosity=0)

    assert OutboxEmail.objects.get(kind="reset_password").state == EmailState.CANCELLED


def test_the_owner_is_notified_of_a_deletion(
    alice: User, post: Admin, outbox: Callable[[], list[EmailMessage]]
) -> None:
    post(alice, "delete", post="yes")

    assert [(message.to, "deleted" in message.subject) for message in outbox()] == [(["alice@example.com"], True)]


def test_the_page_of_a_user_shows_the_ways_to_sign_in_and_when_the_user_last_authenticated(
    superuser: User, alice_with_totp: UserWithTotp
) -> None:
    browser = Client()
    browser.force_login(superuser)

    page = browser.get(f"/admin/accounts/user/{alice_with_totp.user.id}/change/")

    [methods, factors, latest] = page.context["panels"][0]["table"]["rows"][0]
    assert (methods, factors) == ("password", "authenticator app, recovery codes")
    session = alice_with_totp.user.sessions.get()
    assert latest == formats.date_format(timezone.localtime(session.authenticated_at), "SHORT_DATETIME_FORMAT")
    assert "aal2: pwd, otp, mfa" in page.context["panels"][1]["table"]["rows"][0]
