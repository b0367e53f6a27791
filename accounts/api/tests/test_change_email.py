"""Email changes: requested with the password, confirmed with the code sent to the new email."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import EmailChange, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

OLD, NEW = "alice@example.com", "alice@example.org"


@pytest.fixture
def alice_signed_in(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice)


def _request(alice_signed_in: SignedIn, email: Any = NEW, password: Any = PASSWORD) -> tuple[int, str]:
    response = alice_signed_in.client.post("/change-email", {"newEmail": email, "password": password})
    assert "data" not in response.json()
    return response.status_code, response.json().get("code", "")


def _confirm(alice_signed_in: SignedIn, code: str) -> tuple[int, str]:
    response = alice_signed_in.client.post("/change-email/confirm", {"code": code})
    return response.status_code, response.json().get("code", "")


def _emails_to(outbox: Outbox, email: str) -> list[EmailMessage]:
    return [message for message in outbox() if message.to == [email]]


def _code(outbox: Outbox, email: str = NEW) -> str:
    return code_in(_emails_to(outbox, email)[-1])


def _wrong(code: str) -> str:
    return "000000" if code != "000000" else "000001"


def _current_email(user: User) -> str | None:
    return User.objects.get(id=user.id).email


def _after(**elapsed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**elapsed), tick=False)


def test_a_code_is_sent_to_the_new_email_and_a_notice_to_the_old(alice_signed_in: SignedIn, outbox: Outbox) -> None:
    assert _request(alice_signed_in) == (200, "")

    to_new, to_old = _emails_to(outbox, NEW), _emails_to(outbox, OLD)
    assert (len(to_new), len(to_old)) == (1, 1)
    assert code_in(to_new[0])
    assert "alice" not in str(to_new[0].body).replace(NEW, "")  # the new email may belong to a stranger
    assert NEW in str(to_old[0].body)
    assert code_in(to_new[0]) not in str(to_old[0].body)


def test_the_old_email_stays_until_the_code_is_confirmed(alice_signed_in: SignedIn, outbox: Outbox) -> None:
    _request(alice_signed_in)
    outbox()

    assert alice_signed_in.client.get("/me").json()["data"]["user"]["email"] == OLD
    api = ApiClient()
    assert api.post("/login", {"email": OLD, "password": PASSWORD}).status_code == 200
    assert api.post("/login", {"email": NEW, "password": PASSWORD}).json()["code"] == "invalid_credentials"
    for email in (NEW, OLD):
        api.post("/forgot-password", {"email": email})
    assert [message.to for message in outbox() if "reset-password?token" in str(message.body)] == [[OLD]]


def test_the_code_changes_the_email(alice_signed_in: SignedIn, alice: User, outbox: Outbox) -> None:
    _request(alice_signed_in)

    response = alice_signed_in.client.post("/change-email/confirm", {"code": _code(outbox)})

    assert (response.status_code, response.json()["data"]["user"]["email"]) == (200, NEW)
    assert response.json()["data"]["user"]["emailVerified"] is True
    alice.refresh_from_db()
    assert (alice.email, alice.email_key) == (NEW, NEW)
    assert ApiClient().post("/login", {"email": NEW, "password": PASSWORD}).status_code == 200
    assert ApiClient().post("/login", {"email": OLD, "password": PASSWORD}).status_code == 401
    assert alice_signed_in.client.get("/me").status_code == 200


def test_the_old_email_receives_a_notice_with_a_link_to_undo(
    alice_signed_in: SignedIn, outbox: Outbox, settings: Settings
) -> None:
    _request(alice_signed_in)
    _confirm(alice_signed_in, _code(outbox))

    message = _emails_to(outbox, OLD)[-1]
    assert message.subject == "Your email address was changed"
    assert f"{settings.FRONTEND_URL}/undo-email-change?token={token_in(message)}" in str(message.body)
    assert "72 hours" in str(message.body)
    assert not any("undo-email-change" in str(other.body) for other in _emails_to(outbox, NEW))


def test_a_delayed_notice_is_still_sent_to_the_old_email(alice_signed_in: SignedIn, outbox: Outbox) -> None:
    _request(alice_signed_in)
    delayed = OutboxEmail.objects.filter(kind="email_change_requested")
    delayed.update(due_at=datetime.now(UTC) + timedelta(hours=1))
    _confirm(alice_signed_in, _code(outbox))

    with _after(hours=2):
        assert [message.subject for message in _emails_to(outbox, OLD)] == [
            "Your email address was changed",
            "Your email address is about to change",
        ]


def test_a_wrong_password_changes_nothing_and_sends_no_email(alice_signed_in: SignedIn, outbox: Outbox) -> None:
    response = alice_signed_in.client.post("/change-email", {"newEmail": NEW, "password": "Wrong-Horse-7"})

    assert (response.status_code, response.json()["code"]) == (400, "password_incorrect")
    assert list(response.json()["errors"]) == ["password"]
    assert not outbox()
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("email", [OLD, "\uff41lice@example.com"])
def test_the_current_email_is_not_accepted_as_a_new_one(alice_signed_in: SignedIn, outbox: Outbox, email: str) -> None:
    response = alice_signed_in.client.post("/change-email", {"newEmail": email, "password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert list(response.json()["errors"]) == ["newEmail"]
    assert not outbox()


def test_another_spelling_of_the_current_email_is_confirmed_by_code_too(
    alice_signed_in: SignedIn, alice: User, api: ApiClient, outbox: Outbox
) -> None:
    assert _request(alice_signed_in, "Alice@Example.com") == (200, "")
    assert _current_email(alice) == OLD

    assert _confirm(alice_signed_in, _code(outbox, "Alice@Example.com")) == (200, "")

    assert _current_email(alice) == "Alice@Example.com"
    assert api.post("/login", {"email": OLD, "password": PASSWORD}).status_code == 200
    undo = token_in(_emails_to(outbox, OLD)[-1])
    assert api.post("/change-email/undo", {"token": undo}).status_code == 200
    assert _current_email(alice) == OLD


@pytest.mark.parametrize(
    "email", ["no address", "", '"a"@example.org', "a@[127.0.0.1]", "a" * 65 + "@example.org", None]
)
def test_a_new_email_follows_the_rules_of_registration(alice_signed_in: SignedIn, outbox: Outbox, email: Any) -> None:
    response = alice_signed_in.client.post("/change-email", {"newEmail": email, "password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert list(response.json()["errors"]) == ["newEmail"]
    assert not outbox()


def test_an_email_in_use_is_rejected(alice_signed_in: SignedIn, mallory: User, outbox: Outbox) -> None:
    response = alice_signed_in.client.post("/change-email", {"newEmail": "MALLORY@example.com", "password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (400, "email_taken")
    assert list(response.json()["errors"]) == ["newEmail"]
    assert not outbox()


def test_with_prevent_enumeration_an_email_in_use_looks_like_any_other(
    alice_signed_in: SignedIn, mallory: User, outbox: Outbox, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = True
    usual = alice_signed_in.client.post("/change-email", {"newEmail": NEW, "password": PASSWORD})

    response = alice_signed_in.client.post("/change-email", {"newEmail": mallory.email, "password": PASSWORD})

    assert (response.status_code, response.content) == (usual.status_code, usual.content)
    (message,) = _emails_to(outbox, "mallory@example.com")
    assert message.subject == "This email address is already in use"
    assert "alice" not in str(message.body)
    change = EmailChange.objects.latest("requested_at")
    assert change.code_expires_at is None
    assert _confirm(alice_signed_in, "123456") == (400, "code_invalid")


def test_an_email_change_requires_a_session(api: ApiClient, alice: User) -> None:
    for path, body in (
        ("/change-email", {"newEmail": NEW, "password": PASSWORD}),
        ("/change-email/confirm", {"code": "1"}),
    ):
        assert api.post(path, body).json()["code"] == "authentication_required"
    assert not EmailChange.objects.exists()


def test_a_code_expires_after_fifteen_minutes(
    alice_signed_in: SignedIn, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    _request(alice_signed_in)
    code = _code(outbox)

    with _after(minutes=15, seconds=1):
        assert _confirm(sign_in(alice), code) == (400, "code_invalid")
    assert _current_email(alice) == OLD
    with _after(minutes=14):
        assert _confirm(alice_signed_in, code) == (200, "")


def test_the_fifth_wrong_attempt_invalidates_the_code(alice_signed_in: SignedIn, alice: User, outbox: Outbox) -> None:
    _request(alice_signed_in)
    code = _code(outbox)

    assert [_confirm(alice_signed_in, _wrong(code)) for _ in range(5)] == [(400, "code_invalid")] * 5
    assert _confirm(alice_signed_in, code) == (429, "too_many_attempts")
    assert _current_email(alice) == OLD

    _request(alice_signed_in)
    assert _confirm(alice_signed_in, _code(outbox)) == (200, "")


def test_a_code_works_once(alice_signed_in: SignedIn, outbox: Outbox) -> None:
    _request(alice_signed_in)
    code = _code(outbox)
    _confirm(alice_signed_in, code)

    assert _confirm(alice_signed_in, code) == (400, "code_invalid")
    assert OutboxEmail.objects.filter(kind="email_changed").count() == 1


def test_another_request_invalidates_the_former_code(alice_signed_in: SignedIn, alice: User, outbox: Outbox) -> None:
    _request(alice_signed_in)
    first = _code(outbox)
    _request(alice_signed_in)
    second = _code(outbox)

    assert _confirm(alice_signed_in, first) == (400, "code_invalid")
    assert _confirm(alice_signed_in, second) == (200, "")
    assert first != second


def test_another_email_supersedes_the_pending_one(alice_signed_in: SignedIn, alice: User, outbox: Outbox) -> None:
    _request(alice_signed_in, "a@example.org")
    former_code = _code(outbox, "a@example.org")
    _request(alice_signed_in, "b@example.org")

    assert _confirm(alice_signed_in, former_code) == (400, "code_invalid")
    assert _current_email(alice) == OLD
    assert _confirm(alice_signed_in, _code(outbox, "b@example.org")) == (200, "")
    assert _current_email(alice) == "b@example.org"


def test_a_superseded_code_is_not_sent(alice_signed_in: SignedIn, outbox: Outbox) -> None:
    _request(alice_signed_in, "a@example.org")
    _request(alice_signed_in, "b@example.org")

    assert not _emails_to(outbox, "a@example.org")
    assert len(_emails_to(outbox, "b@example.org")) == 1


def test_a_code_works_for_its_own_user_only(
    alice_signed_in: SignedIn, mallory: User, sign_in: SignIn, outbox: Outbox
) -> None:
    _request(alice_signed_in)

    assert _confirm(sign_in(mallory), _code(outbox)) == (400, "code_invalid")
    assert _current_email(mallory) == "mallory@example.com"


def test_an_email_registered_meanwhile_stays_with_its_new_account(
    alice_signed_in: SignedIn, alice: User, outbox: Outbox
) -> None:
    _request(alice_signed_in)
    code = _code(outbox)
    ApiClient().post("/register", {"email": NEW, "username": "eve", "password": PASSWORD})

    assert _confirm(alice_signed_in, code) == (400, "email_taken")
    assert _current_email(alice) == OLD
    assert User.objects.get(email_key=NEW).username == "eve"
    assert not OutboxEmail.objects.filter(kind="email_changed").exists()


def test_a_reset_link_sent_to_the_old_email_is_invalid_after_the_change(
    alice_signed_in: SignedIn, outbox: Outbox
) -> None:
    ApiClient().post("/forgot-password", {"email": OLD})
    token = token_in(outbox()[-1])
    _request(alice_signed_in)
    _confirm(alice_signed_in, _code(outbox))

    response = ApiClient().post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"})

    assert response.json()["code"] == "token_invalid"


def test_an_unverified_email_receives_no_notice_and_the_new_one_a_welcome(
    bob: User, sign_in: SignIn, outbox: Outbox, settings: Settings
) -> None:
    settings.EMAIL_VERIFICATION = "optional"
    bob_signed_in = sign_in(bob)
    _request(bob_signed_in, "bob@example.org")

    assert _confirm(bob_signed_in, _code(outbox, "bob@example.org")) == (200, "")

    assert not _emails_to(outbox, "bob@example.com")
    assert [message.subject for message in _emails_to(outbox, "bob@example.org")][1:] == ["Welcome to Vestibule"]
    bob.refresh_from_db()
    assert bob.email_verified


def test_a_change_by_an_administrator_closes_the_pending_one(
    alice_signed_in: SignedIn, alice: User, admin: User, sign_in: SignIn, outbox: Outbox
) -> None:
    _request(alice_signed_in)
    code = _code(outbox)
    sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "alice@example.net", "emailVerified": True})

    assert _confirm(alice_signed_in, code) == (400, "code_invalid")
    assert _current_email(alice) == "alice@example.net"
    message = _emails_to(outbox, OLD)[-1]
    assert "An administrator changed the email address" in str(message.body)
    assert "token=" not in str(message.body)


def test_neither_code_nor_token_of_a_change_is_stored(alice_signed_in: SignedIn, outbox: Outbox) -> None:
    _request(alice_signed_in)
    code, token = _code(outbox), token_in(_emails_to(outbox, OLD)[0])

    rows = [*EmailChange.objects.values(), *OutboxEmail.objects.values()]

    assert not any(secret in str(value) for row in rows for value in row.values() for secret in (token, token[:20]))
    assert not any(code == str(value) for row in rows for value in row.values())


def test_the_emails_sent_to_new_and_old_addresses_are_limited(
    alice_signed_in: SignedIn, outbox: Outbox, limits_on: Settings
) -> None:
    responses = [_request(alice_signed_in, f"alice{number}@example.org") for number in range(6)]

    assert responses == [(200, "")] * 5 + [(429, "rate_limited")]
    assert len(_emails_to(outbox, OLD)) == 1
    assert not _emails_to(outbox, "alice5@example.org")
