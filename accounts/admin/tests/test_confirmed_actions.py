"""The actions of the admin ask for confirmation, call the services of the API, and are in the audit."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.test import Client, TestCase

from accounts.models import AuditEvent, EmailState, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in

SignIn = Callable[..., SignedIn]
Do = Callable[..., Any]
USERS = "/admin/accounts/user"


@pytest.fixture
def browser(superuser: User) -> Client:
    """The browser of grace, signed in to the admin."""
    browser = Client()
    browser.force_login(superuser)
    return browser


@pytest.fixture
def do(browser: Client) -> Do:
    """`do(alice, "verify")` presses the button of the confirmation page; `confirm=False` only opens the page."""

    def press(user: User, action: str, *, confirm: bool = True, browser: Client = browser, **fields: str) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            page = f"{USERS}/{user.id}/actions/{action}/"
            return browser.post(page, {"confirm": "yes"} | fields, follow=True) if confirm else browser.get(page)

    return press


def _kinds(user: User, actor: User) -> list[str]:
    events = AuditEvent.objects.filter(user_id=user.id, actor_id=actor.id)
    return list(events.order_by("id").values_list("kind", flat=True))


def test_opening_a_confirmation_page_changes_nothing(alice: User, sign_in: SignIn, do: Do) -> None:
    session = sign_in(alice)

    for action in ("revoke-sessions", "deactivate", "send-reset", "resend", "verify"):
        assert do(alice, action, confirm=False).status_code == 200

    assert session.client.get("/me").status_code == 200
    assert not OutboxEmail.objects.filter(kind="reset_password").exists()


def test_sign_out_everywhere_ends_every_session_immediately(
    alice: User, superuser: User, sign_in: SignIn, do: Do
) -> None:
    session = sign_in(alice)

    do(alice, "revoke-sessions")

    assert session.client.get("/me").json()["code"] == "session_revoked"
    assert _kinds(alice, superuser) == ["sessions_revoked"]


def test_a_deactivation_requires_a_reason(alice: User, superuser: User, sign_in: SignIn, do: Do) -> None:
    session = sign_in(alice)

    assert do(alice, "deactivate").context["form"].errors.keys() == {"reason"}
    assert session.client.get("/me").status_code == 200
    do(alice, "deactivate", reason="Asked for it")

    alice.refresh_from_db()
    assert (alice.is_active, alice.deactivation_reason) == (False, "Asked for it")
    assert session.client.get("/me").json()["code"] == "session_revoked"
    assert _kinds(alice, superuser) == ["user_deactivated"]
    do(alice, "activate")
    assert User.objects.get(id=alice.id).is_active


def test_an_administrator_marks_an_email_as_verified(bob: User, superuser: User, sign_in: SignIn, do: Do) -> None:
    do(bob, "verify")

    assert sign_in(bob).client.get("/me").status_code == 200
    assert _kinds(bob, superuser) == ["user_changed"]
    assert "This email is already verified." in do(bob, "verify").content.decode()


def test_a_resent_code_works(
    api: ApiClient, bob: User, superuser: User, do: Do, outbox: Callable[[], list[EmailMessage]]
) -> None:
    do(bob, "resend")

    [message] = outbox()
    assert api.post("/verify-email", {"email": bob.email, "code": code_in(message)}).status_code == 200
    assert _kinds(bob, superuser) == ["verification_sent"]


def test_a_user_without_a_password_is_invited_again(
    bob: User, superuser: User, do: Do, outbox: Callable[[], list[EmailMessage]]
) -> None:
    bob.set_unusable_password()
    bob.save()

    do(bob, "resend")

    assert len(outbox()) == 1
    assert _kinds(bob, superuser) == ["user_invited"]


def test_a_reset_link_is_emailed_to_the_user_and_never_shown(
    api: ApiClient, alice: User, superuser: User, do: Do, outbox: Callable[[], list[EmailMessage]]
) -> None:
    response = do(alice, "send-reset")

    token = token_in(outbox()[0])
    assert token not in response.content.decode()
    assert api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 200
    assert _kinds(alice, superuser) == ["reset_sent"]


def test_ending_one_session_leaves_the_others_active(
    alice: User, superuser: User, browser: Client, sign_in: SignIn
) -> None:
    ended, other = sign_in(alice), sign_in(alice)
    page = f"/admin/sessions_tracking/session/{ended.session_id}/actions/revoke/"
    assert browser.get(page).status_code == 200
    assert ended.client.get("/me").status_code == 200

    with TestCase.captureOnCommitCallbacks(execute=True):
        browser.post(page, {"confirm": "yes"})

    assert ended.client.get("/me").json()["code"] == "session_revoked"
    assert other.client.get("/me").status_code == 200
    event = AuditEvent.objects.get(kind="session_revoked")
    assert (event.actor_id, event.user_id, str(event.session_id)) == (superuser.id, alice.id, ended.session_id)


def test_an_action_applies_only_to_the_selected_rows(alice: User, bob: User, mallory: User, browser: Client) -> None:
    form = {"action": "deactivate", "_selected_action": [str(alice.id), str(bob.id)], "select_across": "1"}
    assert b"alice@example.com" in browser.post(f"{USERS}/", form).content
    assert User.objects.filter(is_active=False).count() == 0

    browser.post(f"{USERS}/", form | {"confirm": "yes", "reason": "Spam"})

    assert set(User.objects.filter(is_active=False).values_list("username", flat=True)) == {"alice", "bob"}


def test_the_last_administrator_cannot_be_deactivated(superuser: User, do: Do) -> None:
    response = do(superuser, "deactivate", reason="Tired")

    assert "This is the last active administrator." in response.content.decode()
    assert User.objects.filter(id=superuser.id, is_active=True).exists()


def _staff_browser(*permissions: str) -> Client:
    """Return the browser of trudy, who is staff and not an administrator."""
    trudy = User.objects.create_user("trudy", "trudy@example.com", PASSWORD, is_staff=True)
    trudy.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(trudy)
    return browser


@pytest.mark.parametrize("action", ["revoke-sessions", "deactivate", "verify", "send-reset", "reset-second-factor"])
def test_staff_without_the_admin_role_cannot_use_the_actions(alice: User, sign_in: SignIn, do: Do, action: str) -> None:
    session, staff = sign_in(alice), _staff_browser("change_user", "view_user", "change_session", "view_session")

    assert do(alice, action, browser=staff, reason="x").status_code == 403
    form = {"action": action, "_selected_action": str(alice.id), "confirm": "yes", "reason": "x"}
    staff.post(f"{USERS}/", form)
    page = f"/admin/sessions_tracking/session/{session.session_id}/actions/revoke/"
    assert staff.post(page, {"confirm": "yes"}).status_code == 403

    assert session.client.get("/me").status_code == 200
    assert User.objects.filter(id=alice.id, is_active=True).exists()
    assert not OutboxEmail.objects.filter(state=EmailState.QUEUED, kind="reset_password").exists()


def test_an_administrator_cannot_act_on_a_superuser(superuser: User, admin: User, do: Do) -> None:
    User.objects.filter(id=admin.id).update(is_staff=True)
    admin.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    browser = Client()
    browser.force_login(User.objects.get(id=admin.id))

    assert do(superuser, "deactivate", browser=browser, reason="x").status_code == 403
    assert User.objects.filter(id=superuser.id, is_active=True).exists()


def test_no_page_shows_a_secret(alice: User, sign_in: SignIn, browser: Client) -> None:
    session = sign_in(alice)
    pages = [f"{USERS}/{alice.id}/change/", f"/admin/sessions_tracking/session/{session.session_id}/change/"]

    shown = "".join(browser.get(page).content.decode() for page in pages)

    row = alice.sessions.get()
    for secret in (User.objects.get(id=alice.id).password, str(row.refresh_jti), session.refresh, "bcrypt"):
        assert secret not in shown
