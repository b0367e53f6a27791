"""What support does in Django's admin: asked first, carried out by the API's services, and in the audit."""

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
    """grace's, signed in to the admin."""
    browser = Client()
    browser.force_login(superuser)
    return browser


@pytest.fixture
def do(browser: Client) -> Do:
    """`do(alice, "verify")` presses the button on the page that asks; `sure=False` only opens that page."""

    def press(user: User, deed: str, *, sure: bool = True, browser: Client = browser, **fields: str) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            page = f"{USERS}/{user.id}/actions/{deed}/"
            return browser.post(page, {"confirm": "yes"} | fields, follow=True) if sure else browser.get(page)

    return press


def _kinds(user: User, actor: User) -> list[str]:
    events = AuditEvent.objects.filter(user_id=user.id, actor_id=actor.id)
    return list(events.order_by("id").values_list("kind", flat=True))


def test_to_open_a_page_that_asks_does_nothing(alice: User, sign_in: SignIn, do: Do) -> None:
    session = sign_in(alice)

    for deed in ("revoke-sessions", "deactivate", "send-reset", "resend", "verify"):
        assert do(alice, deed, sure=False).status_code == 200

    assert session.client.get("/me").status_code == 200
    assert not OutboxEmail.objects.filter(kind="reset_password").exists()


def test_sign_out_everywhere_ends_every_session_at_once(alice: User, superuser: User, sign_in: SignIn, do: Do) -> None:
    session = sign_in(alice)

    do(alice, "revoke-sessions")

    assert session.client.get("/me").json()["code"] == "session_revoked"
    assert _kinds(alice, superuser) == ["sessions_revoked"]


def test_a_deactivation_wants_a_reason(alice: User, superuser: User, sign_in: SignIn, do: Do) -> None:
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


def test_an_address_is_verified_on_the_word_of_support(bob: User, superuser: User, sign_in: SignIn, do: Do) -> None:
    do(bob, "verify")

    assert sign_in(bob).client.get("/me").status_code == 200
    assert _kinds(bob, superuser) == ["user_changed"]
    assert "This email is already verified." in do(bob, "verify").content.decode()


def test_a_code_sent_again_works(
    api: ApiClient, bob: User, superuser: User, do: Do, outbox: Callable[[], list[EmailMessage]]
) -> None:
    do(bob, "resend")

    [message] = outbox()
    assert api.post("/verify-email", {"email": bob.email, "code": code_in(message)}).status_code == 200
    assert _kinds(bob, superuser) == ["verification_sent"]


def test_who_has_no_password_is_invited_again(
    bob: User, superuser: User, do: Do, outbox: Callable[[], list[EmailMessage]]
) -> None:
    bob.set_unusable_password()
    bob.save()

    do(bob, "resend")

    assert len(outbox()) == 1
    assert _kinds(bob, superuser) == ["user_invited"]


def test_a_reset_is_sent_to_the_user_and_shown_to_nobody(
    api: ApiClient, alice: User, superuser: User, do: Do, outbox: Callable[[], list[EmailMessage]]
) -> None:
    reply = do(alice, "send-reset")

    token = token_in(outbox()[0])
    assert token not in reply.content.decode()
    assert api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 200
    assert _kinds(alice, superuser) == ["reset_sent"]


def test_one_session_ends_and_the_others_go_on(alice: User, superuser: User, browser: Client, sign_in: SignIn) -> None:
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


def test_a_list_acts_on_what_was_ticked_alone(alice: User, bob: User, mallory: User, browser: Client) -> None:
    form = {"action": "deactivate", "_selected_action": [str(alice.id), str(bob.id)], "select_across": "1"}
    assert b"alice@example.com" in browser.post(f"{USERS}/", form).content
    assert User.objects.filter(is_active=False).count() == 0

    browser.post(f"{USERS}/", form | {"confirm": "yes", "reason": "Spam"})

    assert set(User.objects.filter(is_active=False).values_list("username", flat=True)) == {"alice", "bob"}


def test_the_last_administrator_cannot_be_deactivated(superuser: User, do: Do) -> None:
    reply = do(superuser, "deactivate", reason="Tired")

    assert "This is the last active administrator." in reply.content.decode()
    assert User.objects.filter(id=superuser.id, is_active=True).exists()


def _clerk(*permissions: str) -> Client:
    """trudy's, who is staff and no administrator."""
    trudy = User.objects.create_user("trudy", "trudy@example.com", PASSWORD, is_staff=True)
    trudy.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(trudy)
    return browser


@pytest.mark.parametrize("deed", ["revoke-sessions", "deactivate", "verify", "send-reset", "reset-second-factor"])
def test_who_is_no_administrator_does_nothing_of_this(alice: User, sign_in: SignIn, do: Do, deed: str) -> None:
    session, clerk = sign_in(alice), _clerk("change_user", "view_user", "change_session", "view_session")

    assert do(alice, deed, browser=clerk, reason="x").status_code == 403
    action = {"action": deed, "_selected_action": str(alice.id), "confirm": "yes", "reason": "x"}
    clerk.post(f"{USERS}/", action)
    page = f"/admin/sessions_tracking/session/{session.session_id}/actions/revoke/"
    assert clerk.post(page, {"confirm": "yes"}).status_code == 403

    assert session.client.get("/me").status_code == 200
    assert User.objects.filter(id=alice.id, is_active=True).exists()
    assert not OutboxEmail.objects.filter(state=EmailState.QUEUED, kind="reset_password").exists()


def test_an_administrator_does_not_touch_who_stands_above(superuser: User, admin: User, do: Do) -> None:
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
