"""The link that restores the former email of an account."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import EmailChange, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import enrol, verify
from sessions_tracking.models import RevokedReason, Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

OLD, NEW = "alice@example.com", "mallory@example.org"


@pytest.fixture
def attacker(alice: User, sign_in: SignIn) -> SignedIn:
    """Return a session of an attacker who knows alice's password."""
    return sign_in(alice)


def _change_email(attacker: SignedIn, outbox: Outbox, email: str = NEW) -> str:
    """Change the email, and return the token of the link sent to the former one."""
    attacker.client.post("/change-email", {"newEmail": email, "password": PASSWORD})
    code = code_in([message for message in outbox() if message.to == [email]][-1])
    assert attacker.client.post("/change-email/confirm", {"code": code}).status_code == 200
    return token_in([message for message in outbox() if message.subject == "Your email address was changed"][-1])


def _undo(token: str) -> tuple[int, str]:
    response = ApiClient().post("/change-email/undo", {"token": token})
    assert "data" not in response.json()
    assert not response.cookies
    return response.status_code, response.json().get("code", "")


def _current_email(user: User) -> str | None:
    return User.objects.get(id=user.id).email


def _after(**elapsed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**elapsed), tick=False)


def test_undo_restores_the_email_and_revokes_every_session(
    attacker: SignedIn, alice: User, mallory: User, sign_in: SignIn, outbox: Outbox
) -> None:
    other, other_user = sign_in(alice), sign_in(mallory)
    token = _change_email(attacker, outbox)

    assert _undo(token) == (200, "")

    alice.refresh_from_db()
    assert (alice.email, alice.email_key, alice.email_verified) == (OLD, OLD, True)
    assert [session.client.get("/me").json()["code"] for session in (attacker, other)] == ["session_revoked"] * 2
    assert ApiClient().post("/refresh", {"refreshToken": attacker.refresh}).json()["code"] == "session_revoked"
    assert other_user.client.get("/me").status_code == 200
    assert {session.revoked_reason for session in Session.objects.filter(user=alice)} == {
        RevokedReason.EMAIL_CHANGE_UNDONE
    }


def test_undo_sends_a_link_to_set_a_new_password(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    _undo(_change_email(attacker, outbox))

    message = outbox()[-1]
    assert (message.to, message.subject) == ([OLD], "Choose a new password")
    assert "Your password won't change" not in message.body
    assert "may know your password" in message.body
    body = {"token": token_in(message), "newPassword": "Another-Horse-8"}
    assert ApiClient().post("/reset-password", body).status_code == 200
    assert ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).status_code == 401


def test_links_sent_to_the_new_email_are_invalid_after_undo(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _change_email(attacker, outbox)
    ApiClient().post("/forgot-password", {"email": NEW})
    reset = token_in(outbox()[-1])
    ApiClient().post("/forgot-password", {"email": NEW})  # stays queued

    _undo(token)

    response = ApiClient().post("/reset-password", {"token": reset, "newPassword": "Attackers-Horse-8"})
    assert response.json()["code"] == "token_invalid"
    before = len([message for message in outbox() if message.to == [NEW]])
    assert ApiClient().post("/login", {"email": NEW, "password": PASSWORD}).status_code == 401
    assert len([message for message in outbox() if message.to == [NEW]]) == before


def test_an_undo_token_works_once(attacker: SignedIn, alice: User, outbox: Outbox, sign_in: SignIn) -> None:
    token = _change_email(attacker, outbox)
    _undo(token)
    again = sign_in(alice)

    assert _undo(token) == (400, "token_invalid")
    assert again.client.get("/me").status_code == 200


def test_an_undo_token_expires_after_72_hours(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _change_email(attacker, outbox)

    with _after(hours=72, seconds=5):
        assert _undo(token) == (400, "token_invalid")
    assert _current_email(alice) == NEW
    with _after(hours=71, minutes=59):
        assert _undo(token) == (200, "")


def test_after_two_changes_the_first_owner_wins(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    first_token = _change_email(attacker, outbox)
    second_token = _change_email(attacker, outbox, "second@example.org")

    assert _undo(first_token) == (200, "")
    assert _current_email(alice) == OLD
    assert _undo(second_token) == (400, "token_invalid")
    assert _current_email(alice) == OLD


def test_undoing_the_second_change_does_not_invalidate_the_first_link(
    attacker: SignedIn, alice: User, outbox: Outbox
) -> None:
    first_token = _change_email(attacker, outbox)
    second_token = _change_email(attacker, outbox, "second@example.org")
    assert _undo(second_token) == (200, "")
    assert _current_email(alice) == NEW

    assert _undo(first_token) == (200, "")
    assert _current_email(alice) == OLD


def test_an_undo_token_stays_valid_after_a_password_change_and_reset(
    attacker: SignedIn, alice: User, outbox: Outbox
) -> None:
    token = _change_email(attacker, outbox)
    attacker.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": "Attackers-Horse-8"})
    ApiClient().post("/forgot-password", {"email": NEW})
    reset = {"token": token_in(outbox()[-1]), "newPassword": "Attackers-Horse-9"}
    assert ApiClient().post("/reset-password", reset).status_code == 200

    assert _undo(token) == (200, "")
    assert _current_email(alice) == OLD


def test_the_link_of_the_first_notice_stops_a_pending_change(
    attacker: SignedIn, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    attacker.client.post("/change-email", {"newEmail": NEW, "password": PASSWORD})
    notice, code = (next(message for message in outbox() if message.to == [email]) for email in (OLD, NEW))

    assert _undo(token_in(notice)) == (200, "")

    assert (outbox()[-1].to, outbox()[-1].subject) == ([OLD], "Choose a new password")
    assert not EmailChange.objects.pending().exists()
    assert attacker.client.get("/me").json()["code"] == "session_revoked"
    again = sign_in(alice)
    response = again.client.post("/change-email/confirm", {"code": code_in(code)})
    assert response.json()["code"] == "code_invalid"
    assert _current_email(alice) == OLD


def test_the_link_of_a_superseded_request_undoes_the_later_change_too(
    attacker: SignedIn, alice: User, outbox: Outbox
) -> None:
    attacker.client.post("/change-email", {"newEmail": NEW, "password": PASSWORD})
    notice = token_in(next(message for message in outbox() if message.to == [OLD]))
    _change_email(attacker, outbox, "second@example.org")

    assert _undo(notice) == (200, "")
    assert _current_email(alice) == OLD


def test_an_unverified_registration_of_the_former_email_is_deleted(
    attacker: SignedIn, alice: User, outbox: Outbox
) -> None:
    token = _change_email(attacker, outbox)
    ApiClient().post("/register", {"email": OLD, "username": "squatter", "password": PASSWORD})

    assert _undo(token) == (200, "")

    assert _current_email(alice) == OLD
    assert not User.objects.filter(username="squatter").exists()


def test_a_used_account_with_the_unverified_former_email_loses_only_the_email(
    attacker: SignedIn, alice: User, outbox: Outbox, settings: Settings
) -> None:
    token = _change_email(attacker, outbox)
    settings.EMAIL_VERIFICATION = "optional"
    ApiClient().post("/register", {"email": OLD, "username": "squatter", "password": PASSWORD})
    ApiClient().post("/login", {"username": "squatter", "password": PASSWORD})

    assert _undo(token) == (200, "")

    assert _current_email(alice) == OLD
    assert User.objects.get(username="squatter").email is None


def test_a_former_email_verified_by_another_user_stays_with_that_user(
    attacker: SignedIn, alice: User, outbox: Outbox
) -> None:
    token = _change_email(attacker, outbox)
    other = User.objects.create_user("other", OLD, PASSWORD, email_verified_at=datetime.now(UTC))

    response = ApiClient().post("/change-email/undo", {"token": token})

    assert (response.status_code, response.json()["code"]) == (400, "email_taken")
    assert "previous email" in response.json()["message"]
    assert (_current_email(alice), _current_email(other)) == (NEW, OLD)
    assert attacker.client.get("/me").status_code == 200
    other.delete()
    assert _undo(token) == (200, "")


def test_a_change_by_an_administrator_invalidates_the_link(
    attacker: SignedIn, alice: User, admin: User, sign_in: SignIn, outbox: Outbox
) -> None:
    token = _change_email(attacker, outbox)
    sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "alice@example.net", "emailVerified": True})

    assert _undo(token) == (400, "token_invalid")
    assert _current_email(alice) == "alice@example.net"


def test_undo_does_not_reactivate_an_account(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _change_email(attacker, outbox)
    User.objects.filter(id=alice.id).update(is_active=False)

    assert _undo(token) == (400, "token_invalid")
    assert _current_email(alice) == NEW


@pytest.mark.parametrize("token", ["x", "A" * 64, "é" * 10, "====", "null"])
def test_a_malformed_token_is_invalid(attacker: SignedIn, alice: User, outbox: Outbox, token: str) -> None:
    real = _change_email(attacker, outbox)

    for malformed in (token, real[:-1], real + token, token + real, real.swapcase()):
        assert _undo(malformed) == (400, "token_invalid")
    assert _current_email(alice) == NEW
    assert attacker.client.get("/me").status_code == 200


def test_undo_tokens_and_other_tokens_are_not_interchangeable(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _change_email(attacker, outbox)
    ApiClient().post("/forgot-password", {"email": NEW})

    for other in (attacker.access[:512], attacker.refresh[:512], token_in(outbox()[-1])):
        assert _undo(other) == (400, "token_invalid")
    body = {"token": token, "newPassword": "Another-Horse-8"}
    assert ApiClient().post("/reset-password", body).json()["code"] == "token_invalid"
    assert _current_email(alice) == NEW


def test_a_change_is_deleted_once_it_cannot_be_undone(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    _change_email(attacker, outbox)
    call_command("cleanup_tokens", verbosity=0)
    assert EmailChange.objects.count() == 1

    with _after(hours=72, seconds=5):
        call_command("cleanup_tokens", verbosity=0)
    assert not EmailChange.objects.exists()


def test_the_lifetime_of_a_link_starts_when_it_is_sent(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    attacker.client.post("/change-email", {"newEmail": NEW, "password": PASSWORD})
    code = code_in(next(message for message in outbox() if message.to == [NEW]))
    attacker.client.post("/change-email/confirm", {"code": code})
    with _after(hours=20):
        token = token_in(outbox()[-1])

    with _after(hours=20 + 71):
        assert _undo(token) == (200, "")


def test_undo_cancels_a_login_pending_its_second_factor(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _change_email(attacker, outbox)
    alice_with_totp = enrol(attacker)
    pending = alice_with_totp.pending()

    assert _undo(token) == (200, "")

    assert verify(pending, code=alice_with_totp.app.code()).json()["code"] == "token_invalid"


def test_clock_skew_does_not_change_the_order_of_changes(attacker: SignedIn, alice: User, outbox: Outbox) -> None:
    first_token = _change_email(attacker, outbox)
    with _after(seconds=-30):
        second_token = _change_email(attacker, outbox, "second@example.org")

    assert _undo(first_token) == (200, "")
    assert _undo(second_token) == (400, "token_invalid")
    assert _current_email(alice) == OLD
