"""The link that gives an account back to the address that it was moved away from."""

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

OLD, FOREIGN = "alice@example.com", "mallory@example.org"


@pytest.fixture
def thief(alice: User, sign_in: SignIn) -> SignedIn:
    """An attacker who knows alice's password."""
    return sign_in(alice)


def _move(thief: SignedIn, outbox: Outbox, email: str = FOREIGN) -> str:
    """Moves the account, and is the token that the address before was mailed."""
    thief.client.post("/change-email", {"newEmail": email, "password": PASSWORD})
    code = code_in([message for message in outbox() if message.to == [email]][-1])
    assert thief.client.post("/change-email/confirm", {"code": code}).status_code == 200
    return token_in([message for message in outbox() if message.subject == "Your email address was changed"][-1])


def _undo(token: str) -> tuple[int, str]:
    reply = ApiClient().post("/change-email/undo", {"token": token})
    assert "data" not in reply.json()
    assert not reply.cookies
    return reply.status_code, reply.json().get("code", "")


def _address(user: User) -> str | None:
    return User.objects.get(id=user.id).email


def _after(**passed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**passed), tick=False)


def test_it_puts_the_address_back_and_ends_every_session(
    thief: SignedIn, alice: User, mallory: User, sign_in: SignIn, outbox: Outbox
) -> None:
    other, strangers = sign_in(alice), sign_in(mallory)
    token = _move(thief, outbox)

    assert _undo(token) == (200, "")

    alice.refresh_from_db()
    assert (alice.email, alice.email_key, alice.email_verified) == (OLD, OLD, True)
    assert [each.client.get("/me").json()["code"] for each in (thief, other)] == ["session_revoked"] * 2
    assert ApiClient().post("/refresh", {"refreshToken": thief.refresh}).json()["code"] == "session_revoked"
    assert strangers.client.get("/me").status_code == 200
    assert {row.revoked_reason for row in Session.objects.filter(user=alice)} == {RevokedReason.EMAIL_CHANGE_UNDONE}


def test_it_mails_a_way_to_another_password(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    _undo(_move(thief, outbox))

    message = outbox()[-1]
    assert (message.to, message.subject) == ([OLD], "Choose a new password")
    assert "Your password won't change" not in message.body
    assert "may know your password" in message.body
    body = {"token": token_in(message), "newPassword": "Another-Horse-8"}
    assert ApiClient().post("/reset-password", body).status_code == 200
    assert ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).status_code == 401


def test_what_was_mailed_to_the_foreign_address_opens_nothing(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _move(thief, outbox)
    ApiClient().post("/forgot-password", {"email": FOREIGN})
    reset = token_in(outbox()[-1])
    ApiClient().post("/forgot-password", {"email": FOREIGN})  # waits in the outbox

    _undo(token)

    reply = ApiClient().post("/reset-password", {"token": reset, "newPassword": "Thiefs-Horse-8"})
    assert reply.json()["code"] == "token_invalid"
    before = len([message for message in outbox() if message.to == [FOREIGN]])
    assert ApiClient().post("/login", {"email": FOREIGN, "password": PASSWORD}).status_code == 401
    assert len([message for message in outbox() if message.to == [FOREIGN]]) == before


def test_it_works_once(thief: SignedIn, alice: User, outbox: Outbox, sign_in: SignIn) -> None:
    token = _move(thief, outbox)
    _undo(token)
    again = sign_in(alice)

    assert _undo(token) == (400, "token_invalid")
    assert again.client.get("/me").status_code == 200


def test_it_works_for_72_hours(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _move(thief, outbox)

    with _after(hours=72, seconds=5):
        assert _undo(token) == (400, "token_invalid")
    assert _address(alice) == FOREIGN
    with _after(hours=71, minutes=59):
        assert _undo(token) == (200, "")


def test_of_an_address_changed_twice_the_first_owner_wins(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    victims = _move(thief, outbox)
    thiefs = _move(thief, outbox, "second@example.org")

    assert _undo(victims) == (200, "")
    assert _address(alice) == OLD
    assert _undo(thiefs) == (400, "token_invalid")
    assert _address(alice) == OLD


def test_a_change_back_and_forth_does_not_shake_off_the_first_link(
    thief: SignedIn, alice: User, outbox: Outbox
) -> None:
    victims = _move(thief, outbox)
    thiefs = _move(thief, outbox, "second@example.org")
    assert _undo(thiefs) == (200, "")
    assert _address(alice) == FOREIGN

    assert _undo(victims) == (200, "")
    assert _address(alice) == OLD


def test_it_survives_a_change_and_a_reset_of_the_password(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _move(thief, outbox)
    thief.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": "Thiefs-Horse-8"})
    ApiClient().post("/forgot-password", {"email": FOREIGN})
    reset = {"token": token_in(outbox()[-1]), "newPassword": "Thiefs-Horse-9"}
    assert ApiClient().post("/reset-password", reset).status_code == 200

    assert _undo(token) == (200, "")
    assert _address(alice) == OLD


def test_the_notice_of_a_wish_stops_it_before_it_is_confirmed(
    thief: SignedIn, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    thief.client.post("/change-email", {"newEmail": FOREIGN, "password": PASSWORD})
    notice, code = (next(m for m in outbox() if m.to == [address]) for address in (OLD, FOREIGN))

    assert _undo(token_in(notice)) == (200, "")

    assert (outbox()[-1].to, outbox()[-1].subject) == ([OLD], "Choose a new password")
    assert not EmailChange.objects.pending().exists()
    assert thief.client.get("/me").json()["code"] == "session_revoked"
    again = sign_in(alice)
    reply = again.client.post("/change-email/confirm", {"code": code_in(code)})
    assert reply.json()["code"] == "code_invalid"
    assert _address(alice) == OLD


def test_the_notice_of_a_wish_leads_back_behind_one_that_followed(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    thief.client.post("/change-email", {"newEmail": FOREIGN, "password": PASSWORD})
    notice = token_in(next(message for message in outbox() if message.to == [OLD]))
    _move(thief, outbox, "second@example.org")

    assert _undo(notice) == (200, "")
    assert _address(alice) == OLD


def test_whoever_squats_on_the_freed_address_gives_way(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _move(thief, outbox)
    ApiClient().post("/register", {"email": OLD, "username": "squatter", "password": PASSWORD})

    assert _undo(token) == (200, "")

    assert _address(alice) == OLD
    assert not User.objects.filter(username="squatter").exists()


def test_an_account_in_use_without_a_proven_address_loses_only_that(
    thief: SignedIn, alice: User, outbox: Outbox, settings: Settings
) -> None:
    token = _move(thief, outbox)
    settings.EMAIL_VERIFICATION = "optional"
    ApiClient().post("/register", {"email": OLD, "username": "squatter", "password": PASSWORD})
    ApiClient().post("/login", {"username": "squatter", "password": PASSWORD})

    assert _undo(token) == (200, "")

    assert _address(alice) == OLD
    assert User.objects.get(username="squatter").email is None


def test_an_address_that_somebody_else_proved_meanwhile_is_not_taken_from_them(
    thief: SignedIn, alice: User, outbox: Outbox
) -> None:
    token = _move(thief, outbox)
    other = User.objects.create_user("other", OLD, PASSWORD, email_verified_at=datetime.now(UTC))

    reply = ApiClient().post("/change-email/undo", {"token": token})

    assert (reply.status_code, reply.json()["code"]) == (400, "email_taken")
    assert "previous email" in reply.json()["message"]
    assert (_address(alice), _address(other)) == (FOREIGN, OLD)
    assert thief.client.get("/me").status_code == 200
    other.delete()
    assert _undo(token) == (200, "")


def test_an_administrators_word_counts_for_more(
    thief: SignedIn, alice: User, admin: User, sign_in: SignIn, outbox: Outbox
) -> None:
    token = _move(thief, outbox)
    sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "alice@example.net", "emailVerified": True})

    assert _undo(token) == (400, "token_invalid")
    assert _address(alice) == "alice@example.net"


def test_it_brings_no_deactivated_account_back(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _move(thief, outbox)
    User.objects.filter(id=alice.id).update(is_active=False)

    assert _undo(token) == (400, "token_invalid")
    assert _address(alice) == FOREIGN


@pytest.mark.parametrize("token", ["x", "A" * 64, "é" * 10, "====", "null"])
def test_a_garbled_token_is_invalid(thief: SignedIn, alice: User, outbox: Outbox, token: str) -> None:
    real = _move(thief, outbox)

    for garbled in (token, real[:-1], real + token, token + real, real.swapcase()):
        assert _undo(garbled) == (400, "token_invalid")
    assert _address(alice) == FOREIGN
    assert thief.client.get("/me").status_code == 200


def test_no_other_token_undoes_and_this_one_does_nothing_else(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    token = _move(thief, outbox)
    ApiClient().post("/forgot-password", {"email": FOREIGN})

    for other in (thief.access[:512], thief.refresh[:512], token_in(outbox()[-1])):
        assert _undo(other) == (400, "token_invalid")
    body = {"token": token, "newPassword": "Another-Horse-8"}
    assert ApiClient().post("/reset-password", body).json()["code"] == "token_invalid"
    assert _address(alice) == FOREIGN


def test_a_change_is_forgotten_once_nothing_of_it_can_be_undone(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    _move(thief, outbox)
    call_command("cleanup_tokens", verbosity=0)
    assert EmailChange.objects.count() == 1

    with _after(hours=72, seconds=5):
        call_command("cleanup_tokens", verbosity=0)
    assert not EmailChange.objects.exists()


def test_a_link_mailed_late_lives_its_full_time(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    thief.client.post("/change-email", {"newEmail": FOREIGN, "password": PASSWORD})
    code = code_in(next(message for message in outbox() if message.to == [FOREIGN]))
    thief.client.post("/change-email/confirm", {"code": code})
    with _after(hours=20):
        token = token_in(outbox()[-1])

    with _after(hours=20 + 71):
        assert _undo(token) == (200, "")


def test_a_sign_in_that_waits_for_the_second_factor_gets_no_further(
    thief: SignedIn, alice: User, outbox: Outbox
) -> None:
    token = _move(thief, outbox)
    alice_with_totp = enrol(thief)
    pending = alice_with_totp.pending()

    assert _undo(token) == (200, "")

    assert verify(pending, code=alice_with_totp.app.code()).json()["code"] == "token_invalid"


def test_clocks_that_disagree_do_not_change_which_was_first(thief: SignedIn, alice: User, outbox: Outbox) -> None:
    victims = _move(thief, outbox)
    with _after(seconds=-30):
        thiefs = _move(thief, outbox, "second@example.org")

    assert _undo(victims) == (200, "")
    assert _undo(thiefs) == (400, "token_invalid")
    assert _address(alice) == OLD
