"""The proof of an address: by code, by link, and again by another email."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import AttemptCounter, EmailState, OutboxEmail, Purpose, User, VerificationCode
from accounts.services import email_verification
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in, token_in
from accounts.verification import verification_codes
from core.api.exceptions import TokenInvalid
from sessions_tracking.models import Session

Outbox = Callable[[], list[EmailMessage]]

ADDRESS = "eve@example.com"


@pytest.fixture
def letter(api: ApiClient, db: None, outbox: Outbox) -> EmailMessage:
    """eve has signed up; this is what she found in her inbox."""
    assert api.post("/register", {"email": ADDRESS, "username": "eve", "password": PASSWORD}).status_code == 201
    return outbox()[-1]


def _verified() -> bool:
    return User.objects.get(email_key=ADDRESS).email_verified


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def _try(api: ApiClient, code: Any, email: str = ADDRESS) -> tuple[int, str]:
    reply = api.post("/verify-email", {"email": email, "code": code})
    return reply.status_code, reply.json().get("code", "")


def _follow(api: ApiClient, token: str, email: str = ADDRESS, **headers: str) -> tuple[int, str]:
    reply = api.get("/verify-email", query_params={"token": token, "email": email}, headers={"Accept": "*/*"} | headers)
    return reply.status_code, reply.json().get("code", "")


def _kinds() -> list[str]:
    return list(OutboxEmail.objects.order_by("id").values_list("kind", flat=True))


def _after(**passed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**passed), tick=False)


def test_the_code_verifies_and_welcomes_but_signs_nobody_in(
    api: ApiClient, letter: EmailMessage, outbox: Outbox
) -> None:
    reply = api.post("/verify-email", {"email": "EVE@Example.com", "code": code_in(letter)})

    assert reply.status_code == 200
    assert reply.json()["data"]["user"]["emailVerified"] is True
    assert not reply.cookies
    assert not Session.objects.exists()
    assert [message.to for message in outbox()[1:]] == [[ADDRESS]]
    assert _kinds() == ["verify_email", "welcome"]


def test_a_code_works_once(api: ApiClient, letter: EmailMessage) -> None:
    assert _try(api, code_in(letter)) == (200, "")

    assert _try(api, code_in(letter)) == (400, "code_invalid")
    assert _kinds().count("welcome") == 1


def test_five_wrong_codes_close_the_door_to_the_right_one_too(api: ApiClient, letter: EmailMessage) -> None:
    code = code_in(letter)
    for _ in range(5):
        assert _try(api, _wrong(code)) == (400, "code_invalid")

    assert _try(api, code) == (429, "too_many_attempts")
    assert _try(api, _wrong(code)) == (429, "too_many_attempts")
    assert not _verified()


def test_the_right_code_at_the_fifth_try_still_works(api: ApiClient, letter: EmailMessage) -> None:
    for _ in range(4):
        _try(api, _wrong(code_in(letter)))

    assert _try(api, code_in(letter)) == (200, "")
    assert not AttemptCounter.objects.exists()


def test_tries_from_before_the_sign_up_do_not_count_against_it(db: None, api: ApiClient, outbox: Outbox) -> None:
    """Otherwise an attacker could block an email before its owner registers."""
    for _ in range(6):
        _try(api, "123456", "eve@example.com")

    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})

    assert _try(api, code_in(outbox()[0]), "eve@example.com") == (200, "")


def test_a_link_does_not_verify_the_address_that_took_its_place_meanwhile(
    letter: EmailMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = verification_codes.find_by_token

    def find_then_move(**values: Any) -> VerificationCode | None:
        found = find(**values)
        User.objects.update(email="other@example.com", email_key="other@example.com")
        return found

    monkeypatch.setattr(verification_codes, "find_by_token", find_then_move)
    with pytest.raises(TokenInvalid):
        email_verification.verify_by_link(email=ADDRESS, token=token_in(letter))

    assert not User.objects.get().email_verified


@pytest.mark.parametrize("email", ["unknown@example.com", "alice@example.com", "no address"])
def test_an_unknown_or_verified_address_answers_like_any_other(api: ApiClient, alice: User, email: str) -> None:
    answers = [_try(api, "123456", email) for _ in range(6)]

    assert answers == [(400, "code_invalid")] * 5 + [(429, "too_many_attempts")]


def test_all_spellings_of_an_address_share_their_tries(api: ApiClient, letter: EmailMessage) -> None:
    for email in ("eve@example.com", "EVE@example.com", "eve@EXAMPLE.com", "Eve@Example.Com", "eVE@example.com"):
        assert _try(api, _wrong(code_in(letter)), email) == (400, "code_invalid")

    assert _try(api, code_in(letter), "evE@example.com") == (429, "too_many_attempts")


def test_somebody_elses_code_is_a_wrong_code(api: ApiClient, letter: EmailMessage, bob: User) -> None:
    assert _try(api, code_in(letter), "bob@example.com") == (400, "code_invalid")

    assert not User.objects.get(id=bob.id).email_verified
    assert AttemptCounter.objects.get().count == 1
    assert _try(api, code_in(letter)) == (200, "")


@pytest.mark.parametrize("code", [123456, 12.5, True, None, [], {}, "", "12\x00456", "1" * 65])
def test_what_is_no_code_at_all_is_a_validation_error(api: ApiClient, letter: EmailMessage, code: object) -> None:
    assert _try(api, code) == (400, "validation_error")
    assert not AttemptCounter.objects.exists()


@pytest.mark.parametrize("change", ["+{}", "{}0", "0{}", "{}x"])
def test_a_code_is_compared_to_the_letter(api: ApiClient, letter: EmailMessage, change: str) -> None:
    assert _try(api, change.format(code_in(letter))) == (400, "validation_error")
    assert not _verified()


def test_a_code_keeps_its_leading_zeros() -> None:
    codes = {verification_codes._code(Purpose.VERIFY_EMAIL, UUID(int=number)) for number in range(400)}

    assert all(len(code) == 6 and code.isdecimal() for code in codes)
    assert any(code.startswith("0") for code in codes)
    assert len(codes) > 390


def test_the_code_lives_15_minutes_from_sending_and_the_link_a_day(api: ApiClient, letter: EmailMessage) -> None:
    assert "15 minutes" in str(letter.body)
    sent_at = OutboxEmail.objects.get().sent_at or datetime.min.replace(tzinfo=UTC)

    with time_machine.travel(sent_at + timedelta(minutes=15), tick=False):
        assert _try(api, code_in(letter)) == (400, "code_invalid")
    with time_machine.travel(sent_at + timedelta(hours=24), tick=False):
        assert _follow(api, token_in(letter)) == (401, "token_invalid")
    with time_machine.travel(sent_at + timedelta(hours=23, minutes=59), tick=False):
        assert _follow(api, token_in(letter)) == (200, "")


def test_a_letter_sent_late_carries_a_code_that_still_lives(api: ApiClient, db: None, outbox: Outbox) -> None:
    api.post("/register", {"email": ADDRESS, "username": "eve", "password": PASSWORD})

    with _after(hours=2):
        [letter] = outbox()
    with _after(hours=2, minutes=14):
        assert _try(api, code_in(letter)) == (200, "")


def test_the_link_verifies_again_and_again_and_welcomes_once(
    api: ApiClient, letter: EmailMessage, outbox: Outbox
) -> None:
    for _ in range(3):
        assert _follow(api, token_in(letter)) == (200, "")

    assert _verified()
    outbox()
    assert _kinds() == ["verify_email", "welcome"]


def test_after_the_code_the_link_still_says_yes_but_welcomes_nobody_twice(api: ApiClient, letter: EmailMessage) -> None:
    _try(api, code_in(letter))

    assert _follow(api, token_in(letter)) == (200, "")
    assert _kinds().count("welcome") == 1


def test_wrong_codes_do_not_touch_the_link(api: ApiClient, letter: EmailMessage) -> None:
    for _ in range(6):
        _try(api, _wrong(code_in(letter)))

    assert _follow(api, token_in(letter)) == (200, "")


def test_after_the_link_the_code_is_used_up(api: ApiClient, letter: EmailMessage) -> None:
    _follow(api, token_in(letter))

    assert _try(api, code_in(letter)) == (400, "code_invalid")


@pytest.mark.parametrize(
    "query",
    [
        "", "token=x", "email=eve@example.com", "token=&email=", "token=x&email=", "token[]=x&email[]=eve@example.com",
        "token=x&email=eve@example.com&email=bob@example.com", "token=x&token=y&email=eve@example.com",
        "token=x%00&email=eve@example.com", "token=x&email=eve%00@example.com",
    ],
)  # fmt: skip
def test_a_link_without_both_its_parts_is_a_validation_error(api: ApiClient, db: None, query: str) -> None:
    reply = api.get(f"/verify-email?{query}")

    assert (reply.status_code, reply.json()["code"]) == (400, "validation_error")


def test_a_link_for_an_unknown_address_is_told_so(api: ApiClient, letter: EmailMessage) -> None:
    assert _follow(api, token_in(letter), "unknown@example.com") == (404, "user_not_found")
    assert _follow(api, token_in(letter), "no address") == (404, "user_not_found")
    assert not _verified()


def test_a_link_is_for_its_own_address_only(api: ApiClient, letter: EmailMessage, bob: User) -> None:
    assert _follow(api, token_in(letter), "bob@example.com") == (401, "token_invalid")

    assert not User.objects.get(id=bob.id).email_verified
    assert not _verified()


@pytest.mark.parametrize("token", ["x", "A" * 64, "é", "=", "A" * 5000, "%00", "null"])
def test_a_garbled_link_is_an_invalid_token(api: ApiClient, letter: EmailMessage, token: str) -> None:
    assert _follow(api, token) == (401, "token_invalid")
    assert _follow(api, token_in(letter)[:-1]) == (401, "token_invalid")
    assert _follow(api, token_in(letter) + token) == (401, "token_invalid")
    assert not _verified()


def test_an_odd_spelling_of_the_same_bytes_is_no_token(api: ApiClient, letter: EmailMessage) -> None:
    assert _follow(api, token_in(letter) + "=") == (401, "token_invalid")
    assert _follow(api, token_in(letter) + "!") == (401, "token_invalid")


def test_a_browser_gets_the_page_and_verifies_nothing(api: ApiClient, letter: EmailMessage) -> None:
    query = {"token": token_in(letter), "email": ADDRESS}

    reply = api.get(
        "/verify-email", query_params=query, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    )

    assert reply.status_code == 200
    assert reply["Content-Type"].startswith("text/html")
    assert reply["Referrer-Policy"] == "no-referrer"
    assert not _verified()


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_any_other_client_verifies_by_asking(api: ApiClient, letter: EmailMessage, accept: str) -> None:
    assert _follow(api, token_in(letter), Accept=accept) == (200, "")
    assert _verified()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_a_scanner_that_asks_whether_a_link_exists_verifies_nothing(
    api: ApiClient, letter: EmailMessage, method: str
) -> None:
    reply = api.generic(method, f"/verify-email?token={token_in(letter)}&email={ADDRESS}")

    assert reply.status_code < 500
    assert not _verified()
    assert _kinds() == ["verify_email"]


def test_another_letter_kills_the_former_code_and_link_at_once(
    api: ApiClient, letter: EmailMessage, outbox: Outbox
) -> None:
    assert api.post("/resend-verification", {"email": "Eve@Example.com"}).status_code == 200

    assert _try(api, code_in(letter)) == (400, "code_invalid")
    assert _follow(api, token_in(letter)) == (401, "token_invalid")
    second = outbox()[-1]
    assert code_in(second) != code_in(letter)
    assert _try(api, code_in(second)) == (200, "")


def test_another_letter_brings_five_more_tries(api: ApiClient, letter: EmailMessage, outbox: Outbox) -> None:
    for _ in range(6):
        _try(api, _wrong(code_in(letter)))

    api.post("/resend-verification", {"email": ADDRESS})

    assert _try(api, code_in(outbox()[-1])) == (200, "")


def test_no_answer_carries_a_code_or_token(api: ApiClient, letter: EmailMessage, outbox: Outbox) -> None:
    reply = api.post("/resend-verification", {"email": ADDRESS})

    second = outbox()[-1]
    for secret in (code_in(second), token_in(second)):
        assert secret not in reply.content.decode() + str(reply.headers)
        assert not VerificationCode.objects.filter(binding__contains=secret).exists()


def test_of_letters_not_sent_yet_only_the_last_goes_out(api: ApiClient, db: None, outbox: Outbox) -> None:
    api.post("/register", {"email": ADDRESS, "username": "eve", "password": PASSWORD})
    api.post("/resend-verification", {"email": ADDRESS})
    api.post("/resend-verification", {"email": ADDRESS})

    [letter] = outbox()
    assert _try(api, code_in(letter)) == (200, "")
    assert OutboxEmail.objects.filter(state=EmailState.CANCELLED).count() == 2


@pytest.mark.parametrize(
    ("email", "answer"),
    [
        ("unknown@example.com", (404, "user_not_found")), ("no address", (404, "user_not_found")),
        ("alice@example.com", (400, "email_already_verified")), (7, (400, "validation_error")), ("", (400, "validation_error")),
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_resend_it_says_why(
    api: ApiClient, alice: User, email: object, answer: tuple[int, str]
) -> None:
    reply = api.post("/resend-verification", {"email": email})

    assert (reply.status_code, reply.json()["code"]) == answer
    assert not OutboxEmail.objects.exists()


def test_a_letter_can_be_asked_for_once_a_minute(api: ApiClient, letter: EmailMessage, settings: Settings) -> None:
    settings.RATE_LIMITS = True
    assert (
        api.post("/resend-verification", {"email": ADDRESS}).status_code == 200
    )  # the one at registration is no obstacle

    reply = api.post("/resend-verification", {"email": "EVE@example.com"})

    assert (reply.status_code, reply.json()["code"]) == (429, "rate_limited")
    assert 0 < int(reply["Retry-After"]) <= 60
    assert OutboxEmail.objects.count() == 2
    with _after(seconds=61):
        assert api.post("/resend-verification", {"email": ADDRESS}).status_code == 200


def test_a_refused_resend_leaves_the_code_alive(
    api: ApiClient, letter: EmailMessage, outbox: Outbox, settings: Settings
) -> None:
    settings.RATE_LIMITS = True
    api.post("/resend-verification", {"email": ADDRESS})

    assert api.post("/resend-verification", {"email": ADDRESS}).status_code == 429

    assert _try(api, code_in(outbox()[-1])) == (200, "")


def test_with_enumeration_prevented_all_addresses_look_alike(
    api: ApiClient, letter: EmailMessage, alice: User, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = True
    for email in (ADDRESS, "alice@example.com", "unknown@example.com", "no address"):
        resent = api.post("/resend-verification", {"email": email})

        assert resent.content == api.post("/resend-verification", {"email": "zoe@example.com"}).content
        assert resent.status_code == 200
        assert _try(api, "000000", email) == (400, "code_invalid")
        assert _follow(api, "x", email) == (401, "token_invalid")
    promised = OutboxEmail.objects.filter(kind="verify_email").exclude(state=EmailState.CANCELLED)
    assert [email.user_id for email in promised] == [User.objects.get(username="eve").id] * 2


def test_with_enumeration_prevented_the_pause_tells_nothing_either(
    api: ApiClient, letter: EmailMessage, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = settings.RATE_LIMITS = True

    known = [api.post("/resend-verification", {"email": ADDRESS}).content for _ in range(3)]
    unknown = [api.post("/resend-verification", {"email": "zoe@example.com"}).content for _ in range(3)]

    assert known == unknown
    assert OutboxEmail.objects.exclude(state=EmailState.CANCELLED).count() == 2


def test_a_deactivated_account_is_verified_by_nobody(api: ApiClient, letter: EmailMessage) -> None:
    User.objects.update(is_active=False)

    assert _try(api, code_in(letter)) == (400, "code_invalid")
    assert _follow(api, token_in(letter)) == (401, "token_invalid")
    assert not _verified()
    assert not User.objects.get().is_active
