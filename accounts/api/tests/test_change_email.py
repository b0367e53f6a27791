"""A change of address: asked for with the password, confirmed with the code that went to the new one."""

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
def here(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice)


def _ask(here: SignedIn, email: Any = NEW, password: Any = PASSWORD) -> tuple[int, str]:
    reply = here.client.post("/change-email", {"newEmail": email, "password": password})
    assert "data" not in reply.json()
    return reply.status_code, reply.json().get("code", "")


def _confirm(here: SignedIn, code: str) -> tuple[int, str]:
    reply = here.client.post("/change-email/confirm", {"code": code})
    return reply.status_code, reply.json().get("code", "")


def _mailed_to(outbox: Outbox, address: str) -> list[EmailMessage]:
    return [message for message in outbox() if message.to == [address]]


def _code(outbox: Outbox, address: str = NEW) -> str:
    return code_in(_mailed_to(outbox, address)[-1])


def _wrong(code: str) -> str:
    return "000000" if code != "000000" else "000001"


def _address(user: User) -> str | None:
    return User.objects.get(id=user.id).email


def _after(**passed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**passed), tick=False)


def test_a_code_goes_to_the_new_address_and_a_notice_to_the_old(here: SignedIn, outbox: Outbox) -> None:
    assert _ask(here) == (200, "")

    to_new, to_old = _mailed_to(outbox, NEW), _mailed_to(outbox, OLD)
    assert (len(to_new), len(to_old)) == (1, 1)
    assert code_in(to_new[0])
    assert "alice" not in str(to_new[0].body).replace(NEW, "")  # it may be a stranger's
    assert NEW in str(to_old[0].body)
    assert code_in(to_new[0]) not in str(to_old[0].body)


def test_until_the_code_is_given_the_old_address_is_the_one(here: SignedIn, outbox: Outbox) -> None:
    _ask(here)
    outbox()

    assert here.client.get("/me").json()["data"]["user"]["email"] == OLD
    api = ApiClient()
    assert api.post("/login", {"email": OLD, "password": PASSWORD}).status_code == 200
    assert api.post("/login", {"email": NEW, "password": PASSWORD}).json()["code"] == "invalid_credentials"
    for address in (NEW, OLD):
        api.post("/forgot-password", {"email": address})
    assert [message.to for message in outbox() if "reset-password?token" in str(message.body)] == [[OLD]]


def test_the_code_makes_the_new_address_the_one(here: SignedIn, alice: User, outbox: Outbox) -> None:
    _ask(here)

    reply = here.client.post("/change-email/confirm", {"code": _code(outbox)})

    assert (reply.status_code, reply.json()["data"]["user"]["email"]) == (200, NEW)
    assert reply.json()["data"]["user"]["emailVerified"] is True
    alice.refresh_from_db()
    assert (alice.email, alice.email_key) == (NEW, NEW)
    assert ApiClient().post("/login", {"email": NEW, "password": PASSWORD}).status_code == 200
    assert ApiClient().post("/login", {"email": OLD, "password": PASSWORD}).status_code == 401
    assert here.client.get("/me").status_code == 200


def test_the_old_address_hears_of_it_with_a_link_that_undoes_it(
    here: SignedIn, outbox: Outbox, settings: Settings
) -> None:
    _ask(here)
    _confirm(here, _code(outbox))

    message = _mailed_to(outbox, OLD)[-1]
    assert message.subject == "Your email address was changed"
    assert f"{settings.FRONTEND_URL}/undo-email-change?token={token_in(message)}" in str(message.body)
    assert "72 hours" in str(message.body)
    assert not any("undo-email-change" in str(other.body) for other in _mailed_to(outbox, NEW))


def test_the_notice_goes_to_the_old_address_even_when_it_is_late(here: SignedIn, outbox: Outbox) -> None:
    _ask(here)
    late = OutboxEmail.objects.filter(kind="email_change_requested")
    late.update(due_at=datetime.now(UTC) + timedelta(hours=1))
    _confirm(here, _code(outbox))

    with _after(hours=2):
        assert [message.subject for message in _mailed_to(outbox, OLD)] == [
            "Your email address was changed",
            "Your email address is about to change",
        ]


def test_a_wrong_password_changes_nothing_and_mails_nobody(here: SignedIn, outbox: Outbox) -> None:
    reply = here.client.post("/change-email", {"newEmail": NEW, "password": "Wrong-Horse-7"})

    assert (reply.status_code, reply.json()["code"]) == (400, "password_incorrect")
    assert list(reply.json()["errors"]) == ["password"]
    assert not outbox()
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("email", [OLD, "\uff41lice@example.com"])
def test_the_address_that_one_has_is_no_new_one(here: SignedIn, outbox: Outbox, email: str) -> None:
    reply = here.client.post("/change-email", {"newEmail": email, "password": PASSWORD})

    assert (reply.status_code, reply.json()["code"]) == (400, "validation_error")
    assert list(reply.json()["errors"]) == ["newEmail"]
    assert not outbox()


def test_the_capitals_of_ones_own_address_change_once_the_code_proves_the_new_spelling(
    here: SignedIn, alice: User, api: ApiClient, outbox: Outbox
) -> None:
    assert _ask(here, "Alice@Example.com") == (200, "")
    assert _address(alice) == OLD

    assert _confirm(here, _code(outbox, "Alice@Example.com")) == (200, "")

    assert _address(alice) == "Alice@Example.com"
    assert api.post("/login", {"email": OLD, "password": PASSWORD}).status_code == 200
    undo = token_in(_mailed_to(outbox, OLD)[-1])
    assert api.post("/change-email/undo", {"token": undo}).status_code == 200
    assert _address(alice) == OLD


@pytest.mark.parametrize(
    "email", ["no address", "", '"a"@example.org', "a@[127.0.0.1]", "a" * 65 + "@example.org", None]
)
def test_an_address_is_as_good_as_one_at_registration(here: SignedIn, outbox: Outbox, email: Any) -> None:
    reply = here.client.post("/change-email", {"newEmail": email, "password": PASSWORD})

    assert (reply.status_code, reply.json()["code"]) == (400, "validation_error")
    assert list(reply.json()["errors"]) == ["newEmail"]
    assert not outbox()


def test_a_taken_address_is_refused(here: SignedIn, mallory: User, outbox: Outbox) -> None:
    reply = here.client.post("/change-email", {"newEmail": "MALLORY@example.com", "password": PASSWORD})

    assert (reply.status_code, reply.json()["code"]) == (400, "email_taken")
    assert list(reply.json()["errors"]) == ["newEmail"]
    assert not outbox()


def test_with_prevent_enumeration_a_taken_address_looks_like_any_other(
    here: SignedIn, mallory: User, outbox: Outbox, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = True
    usual = here.client.post("/change-email", {"newEmail": NEW, "password": PASSWORD})

    reply = here.client.post("/change-email", {"newEmail": mallory.email, "password": PASSWORD})

    assert (reply.status_code, reply.content) == (usual.status_code, usual.content)
    (message,) = _mailed_to(outbox, "mallory@example.com")
    assert message.subject == "This email address is already in use"
    assert "alice" not in str(message.body)
    change = EmailChange.objects.latest("requested_at")
    assert change.code_expires_at is None
    assert _confirm(here, "123456") == (400, "code_invalid")


def test_nobody_asks_without_a_session(api: ApiClient, alice: User) -> None:
    for path, body in (
        ("/change-email", {"newEmail": NEW, "password": PASSWORD}),
        ("/change-email/confirm", {"code": "1"}),
    ):
        assert api.post(path, body).json()["code"] == "authentication_required"
    assert not EmailChange.objects.exists()


def test_a_code_lives_fifteen_minutes(here: SignedIn, alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    _ask(here)
    code = _code(outbox)

    with _after(minutes=15, seconds=1):
        assert _confirm(sign_in(alice), code) == (400, "code_invalid")
    assert _address(alice) == OLD
    with _after(minutes=14):
        assert _confirm(here, code) == (200, "")


def test_a_code_dies_at_the_fifth_wrong_try(here: SignedIn, alice: User, outbox: Outbox) -> None:
    _ask(here)
    code = _code(outbox)

    assert [_confirm(here, _wrong(code)) for _ in range(5)] == [(400, "code_invalid")] * 5
    assert _confirm(here, code) == (429, "too_many_attempts")
    assert _address(alice) == OLD

    _ask(here)
    assert _confirm(here, _code(outbox)) == (200, "")


def test_a_code_works_once(here: SignedIn, outbox: Outbox) -> None:
    _ask(here)
    code = _code(outbox)
    _confirm(here, code)

    assert _confirm(here, code) == (400, "code_invalid")
    assert OutboxEmail.objects.filter(kind="email_changed").count() == 1


def test_asking_again_kills_the_code_before_it(here: SignedIn, alice: User, outbox: Outbox) -> None:
    _ask(here)
    first = _code(outbox)
    _ask(here)
    second = _code(outbox)

    assert _confirm(here, first) == (400, "code_invalid")
    assert _confirm(here, second) == (200, "")
    assert first != second


def test_another_address_kills_the_one_that_was_pending(here: SignedIn, alice: User, outbox: Outbox) -> None:
    _ask(here, "a@example.org")
    code_of_a = _code(outbox, "a@example.org")
    _ask(here, "b@example.org")

    assert _confirm(here, code_of_a) == (400, "code_invalid")
    assert _address(alice) == OLD
    assert _confirm(here, _code(outbox, "b@example.org")) == (200, "")
    assert _address(alice) == "b@example.org"


def test_a_code_that_was_overtaken_is_not_mailed_any_more(here: SignedIn, outbox: Outbox) -> None:
    _ask(here, "a@example.org")
    _ask(here, "b@example.org")

    assert not _mailed_to(outbox, "a@example.org")
    assert len(_mailed_to(outbox, "b@example.org")) == 1


def test_a_code_is_for_its_own_user(here: SignedIn, mallory: User, sign_in: SignIn, outbox: Outbox) -> None:
    _ask(here)

    assert _confirm(sign_in(mallory), _code(outbox)) == (400, "code_invalid")
    assert _address(mallory) == "mallory@example.com"


def test_an_address_taken_meanwhile_stays_with_whoever_took_it(here: SignedIn, alice: User, outbox: Outbox) -> None:
    _ask(here)
    code = _code(outbox)
    ApiClient().post("/register", {"email": NEW, "username": "eve", "password": PASSWORD})

    assert _confirm(here, code) == (400, "email_taken")
    assert _address(alice) == OLD
    assert User.objects.get(email_key=NEW).username == "eve"
    assert not OutboxEmail.objects.filter(kind="email_changed").exists()


def test_a_link_that_went_to_the_old_address_opens_nothing_any_more(here: SignedIn, outbox: Outbox) -> None:
    ApiClient().post("/forgot-password", {"email": OLD})
    token = token_in(outbox()[-1])
    _ask(here)
    _confirm(here, _code(outbox))

    reply = ApiClient().post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"})

    assert reply.json()["code"] == "token_invalid"


def test_an_address_never_proven_is_told_nothing_and_the_new_one_is_welcomed(
    bob: User, sign_in: SignIn, outbox: Outbox, settings: Settings
) -> None:
    settings.EMAIL_VERIFICATION = "optional"
    here = sign_in(bob)
    _ask(here, "bob@example.org")

    assert _confirm(here, _code(outbox, "bob@example.org")) == (200, "")

    assert not _mailed_to(outbox, "bob@example.com")
    assert [message.subject for message in _mailed_to(outbox, "bob@example.org")][1:] == ["Welcome to Vestibule"]
    bob.refresh_from_db()
    assert bob.email_verified


def test_an_administrators_word_ends_what_was_pending(
    here: SignedIn, alice: User, admin: User, sign_in: SignIn, outbox: Outbox
) -> None:
    _ask(here)
    code = _code(outbox)
    sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "alice@example.net", "emailVerified": True})

    assert _confirm(here, code) == (400, "code_invalid")
    assert _address(alice) == "alice@example.net"
    message = _mailed_to(outbox, OLD)[-1]
    assert "An administrator changed the email address" in str(message.body)
    assert "token=" not in str(message.body)


def test_what_is_stored_of_a_change_holds_neither_code_nor_token(here: SignedIn, outbox: Outbox) -> None:
    _ask(here)
    code, token = _code(outbox), token_in(_mailed_to(outbox, OLD)[0])

    rows = [*EmailChange.objects.values(), *OutboxEmail.objects.values()]

    assert not any(secret in str(value) for row in rows for value in row.values() for secret in (token, token[:20]))
    assert not any(code == str(value) for row in rows for value in row.values())


def test_neither_a_new_address_nor_the_old_one_is_written_to_without_end(
    here: SignedIn, outbox: Outbox, limits_on: Settings
) -> None:
    asked = [_ask(here, f"alice{number}@example.org") for number in range(6)]

    assert asked == [(200, "")] * 5 + [(429, "rate_limited")]
    assert len(_mailed_to(outbox, OLD)) == 1
    assert not _mailed_to(outbox, "alice5@example.org")
