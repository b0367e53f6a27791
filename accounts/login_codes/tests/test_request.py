"""A request for a code reveals nothing about its email, and sends nothing that its owner does not want."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import thread_time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from time_machine import Traveller

from accounts.login_codes.tests.requests import ALICE, Outbox, ask, emailed, login_token, outcome, verify
from accounts.models import OutboxEmail, User
from accounts.testing.api_client import ApiClient, stable_headers
from sessions_tracking.models import Session

KINDS_OF_EMAIL = ["alice@example.com", "bob@example.com", "mallory@example.com", "off@example.com", "no email"]


@pytest.fixture
def people(alice: User, bob: User, mallory: User) -> None:
    """alice is verified, bob is not, mallory is deactivated, and "off" switched the emailed codes off."""
    User.objects.filter(id=mallory.id).update(is_active=False)
    User.objects.create_user("off", "off@example.com", "Correct-Horse-7", login_codes=False)


def _shape(response: Any) -> Any:
    """Return all of a response but the values that differ between any two requests."""
    body = response.json()
    assert re.fullmatch(r"[0-9a-f]{32}-[0-9a-f]{32}\.[\w-]{43}", body["data"].pop("loginToken"))
    cookie = {key: value for key, value in response.cookies["loginToken"].items() if key != "expires"}
    return response.status_code, body, stable_headers(response).keys(), cookie


def _statements(call: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        call()
    return [re.sub(r"'[^']*'|\d+", "?", query["sql"])[:60] for query in queries.captured_queries]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("email", KINDS_OF_EMAIL[:4])
def test_the_response_and_its_statements_are_the_same_for_every_email(email: str, clock: Traveller) -> None:
    responses: list[Any] = []
    known, unknown = (_statements(lambda: responses.append(ask(each))) for each in (email, "unknown@example.com"))  # noqa: B023

    assert _shape(responses[0]) == _shape(responses[1])
    assert known == unknown != []


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("email", KINDS_OF_EMAIL[:4])
def test_a_wrong_code_reveals_nothing(email: str, outbox: Outbox) -> None:
    tokens = [login_token(each) for each in (email, "unknown@example.com")]
    outbox()
    responses: list[Any] = []
    known, unknown = (
        _statements(lambda: responses.append(verify(loginToken=token, code="000000")))  # noqa: B023
        for token in tokens
    )

    assert outcome(responses[0]) == (400, "code_invalid")
    assert responses[0].content == responses[1].content
    assert known == unknown != []


@pytest.mark.usefixtures("people")
def test_the_response_takes_as_long_for_unknown_emails() -> None:
    """Interleaved, and in time of the processor, so that other load of the machine affects both alike."""
    times: dict[str, list[float]] = {ALICE: [], "unknown@example.com": []}
    for _ in range(80):
        for email, seconds in times.items():
            started = thread_time()
            ask(email)
            seconds.append(thread_time() - started)

    known, unknown = (median(seconds) for seconds in times.values())
    assert abs(known - unknown) < 0.2 * max(known, unknown)


@pytest.mark.usefixtures("people")
def test_only_active_users_who_did_not_switch_it_off_receive_an_email(outbox: Outbox) -> None:
    for email in [*KINDS_OF_EMAIL, "unknown@example.com"]:
        assert ask(email).status_code == 200

    assert sorted(message.to[0] for message in outbox()) == ["alice@example.com", "bob@example.com"]
    assert set(OutboxEmail.objects.values_list("recipient", flat=True)) == {"alice@example.com", "bob@example.com"}


def test_the_expiry_is_that_of_the_code_at_the_earliest(alice: User, clock: Traveller) -> None:
    expires_at = datetime.fromisoformat(ask().json()["data"]["expiresAt"])

    assert timedelta(minutes=9, seconds=59) < expires_at - datetime.now(UTC) <= timedelta(minutes=10)


@pytest.mark.parametrize("email", [ALICE, "unknown@example.com"])
def test_one_email_a_minute_for_all_spellings_together(
    alice: User, limits_on: Settings, email: str, outbox: Outbox
) -> None:
    assert ask(email).status_code == 200

    for spelling in (email, email.upper(), f" {email} ", f"{email}."):
        limited = ask(spelling)
        assert outcome(limited) == (429, "rate_limited")
        assert 1 <= int(limited["Retry-After"]) <= 60
    assert len(outbox()) == (1 if email == ALICE else 0)


def test_requests_are_limited_by_ip(alice: User, limits_on: Settings, db: None) -> None:
    statuses = [ask(f"user{number}@example.com").status_code for number in range(61)]

    assert statuses == [200] * 60 + [429]


def test_a_switched_off_capability_does_not_exist(alice: User, settings: Settings, outbox: Outbox) -> None:
    settings.LOGIN_CODES = False

    assert outcome(ask()) == (404, "not_found")
    assert outbox() == []


def test_an_email_requested_before_it_was_switched_off_is_discarded(
    alice: User, settings: Settings, outbox: Outbox
) -> None:
    login_token()
    settings.LOGIN_CODES = False

    assert outbox() == []
    assert not OutboxEmail.objects.exists()


@pytest.mark.parametrize("path", ["/login/code", "/login/code/verify"])
def test_no_other_site_can_request_or_use_a_code(alice: User, outbox: Outbox, path: str) -> None:
    sent = emailed(outbox)
    body = {"email": ALICE, "loginToken": sent.login_token, "code": sent.code}

    response = ApiClient().post(path, body, headers={"Origin": "https://evil.example"})

    assert outcome(response) == (403, "origin_not_allowed")
    assert len(outbox()) == 1
    assert not Session.objects.exists()


@pytest.mark.parametrize("body", [{}, {"email": None}, {"email": 7}, {"email": ["alice@example.com"]}])
def test_an_email_must_be_text(db: None, body: dict[str, Any]) -> None:
    assert outcome(ApiClient().post("/login/code", body)) == (400, "validation_error")


@pytest.mark.parametrize(("language", "words"), [("en", "Your sign-in code"), ("fr", "Votre code de connexion")])
def test_the_email_is_in_the_language_of_the_user(alice: User, outbox: Outbox, language: str, words: str) -> None:
    User.objects.update(language=language)
    client = ApiClient(HTTP_ACCEPT_LANGUAGE="fr" if language == "en" else "en", REMOTE_ADDR="203.0.113.7")
    sent = emailed(outbox, client=client)

    message = outbox()[-1]
    html = str(message.alternatives[0][0])  # type: ignore[attr-defined]
    assert words in message.subject
    for body in (str(message.body), html):
        assert sent.code in body
        assert "/login-code?token=" in body
        assert "203.0.113.7" in body
        assert "10 minutes" in body
    assert sent.code not in message.subject
