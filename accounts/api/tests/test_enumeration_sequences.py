"""With PREVENT_ENUMERATION no sequence of requests reveals whether an email is unknown, registered or verified.

The same random sequence runs in three worlds that differ only in the state of one email; the transcripts must be equal.
"""

import random
import re
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.mail.delivery import deliver_due
from accounts.models import AttemptCounter, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import token_in
from core.throttling.in_memory import memory
from sessions_tracking.models import Session

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL, OTHER = "target@example.com", "elsewhere@example.com"
WORLDS = ("unknown", "unverified", "verified")
Step = tuple[str, str, dict[str, str]]

_EMAILS = [EMAIL, EMAIL, EMAIL.upper(), "fresh-1@example.com", "fresh-2@example.com"]
_NAMES = ["owner", "name-1", "name-2", "name-3"]
_PASSWORDS = ["Guessed-Horse-1", "Guessed-Horse-2"]
# Values that depend on the clock or on random numbers, in all worlds alike.
_VARYING = re.compile(r'"(id|createdAt)": ?"[^"]*"|(?<=t=)[0-9]+|in [0-9]+ seconds?')
_IGNORED = {"X-Request-Id", "Date"}


def _steps(generator: random.Random) -> list[Step]:
    return [_step(generator) for _ in range(generator.randint(2, 14))]


def _step(generator: random.Random) -> Step:
    email, name, password = generator.choice(_EMAILS), generator.choice(_NAMES), generator.choice(_PASSWORDS)
    steps: list[Step] = [
        ("post", "/register", {"email": email, "username": name, "password": password}),
        ("post", "/register", {"email": EMAIL, "username": name, "password": password}),
        ("post", "/login", {"email": email, "password": password}),
        ("post", "/login", {"username": name, "password": password}),
        ("post", "/verify-email", {"email": EMAIL, "code": "not it"}),
        ("post", "/verify-email", {"email": email, "code": "000000"}),
        ("get", f"/verify-email?token=bm90IGl0&email={email}", {}),
        ("post", "/resend-verification", {"email": email}),
        ("post", "/forgot-password", {"email": email}),
        ("post", "/login", {"email": EMAIL, "password": password}),
    ]
    return generator.choice(steps)


def _make(world: str) -> None:
    """Create the owner in every world, with or without the email: usernames are no secret."""
    for model in (User, AttemptCounter, OutboxEmail):
        model.objects.all().delete()
    get_redis_connection("default").flushdb()
    memory.clear()
    verified_at = timezone.now() if world == "verified" else None
    User.objects.create_user("owner", OTHER if world == "unknown" else EMAIL, PASSWORD, email_verified_at=verified_at)


def _transcript(world: str, steps: list[Step]) -> list[Any]:
    _make(world)
    return [_observed(getattr(ApiClient(), method)(path, body or None)) for method, path, body in steps]


def _observed(response: Any) -> tuple[int, str, list[tuple[str, str]]]:
    headers = {name: value for name, value in response.headers.items() if name not in _IGNORED}
    if "Retry-After" in headers:
        headers["Retry-After"] = "a while"
    visible = [(name, _VARYING.sub("*", value)) for name, value in sorted(headers.items()) if name != "Content-Length"]
    return response.status_code, _VARYING.sub("*", response.content.decode()), visible


def _assert_equal(steps: list[Step]) -> None:
    unknown, unverified, verified = (_transcript(world, steps) for world in WORLDS)
    assert unverified == unknown
    assert verified == unknown


@pytest.fixture(autouse=True)
def _prevent_enumeration(settings: Settings, limits_on: Settings) -> None:
    settings.PREVENT_ENUMERATION = True
    settings.RATE_LIMIT_REGISTER = settings.RATE_LIMIT_ANONYMOUS = ()


def _register(email: str, name: str, password: str = _PASSWORDS[0]) -> Step:
    return ("post", "/register", {"email": email, "username": name, "password": password})


def _log_in(password: str = _PASSWORDS[0], **names: str) -> Step:
    return ("post", "/login", names | {"password": password})


_WRONG: Step = ("post", "/verify-email", {"email": EMAIL, "code": "not it"})


@pytest.mark.parametrize(
    "steps",
    [
        [_register(EMAIL, "name-1"), _register("fresh-1@example.com", "name-1")],
        [_register(EMAIL, "name-1"), _log_in(username="name-1"), _log_in(email=EMAIL)],
        [_register(EMAIL, "name-1"), _register(EMAIL, "name-1"), _register(EMAIL, "name-2", _PASSWORDS[1])],
        [_register(EMAIL, "name-1"), _register(EMAIL, "name-2", _PASSWORDS[1]), _log_in(_PASSWORDS[1], email=EMAIL)],
        [*[_WRONG] * 6, _register(EMAIL, "name-1"), _WRONG],
        [*[_log_in(email=EMAIL)] * 4, _register(EMAIL, "name-1"), *[_log_in(_PASSWORDS[1], email=EMAIL)] * 3],
        [*[_log_in(username="owner")] * 5, _log_in(email=EMAIL)],
        [_register(EMAIL, "name-1", "Guessed-Hörse-1"), _log_in("Guessed-Hörse-1", email=EMAIL), _log_in(email=EMAIL)],
        [_register(EMAIL, "name-1"), *[_log_in("Wrong-Horse-1", email=EMAIL), _log_in(email=EMAIL)] * 7],
    ],
)
def test_sequences_that_once_revealed_an_account_reveal_nothing(steps: list[Step]) -> None:
    _assert_equal(steps)


@pytest.mark.parametrize("seed", range(5))
def test_random_sequences_reveal_nothing(seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311
    for _ in range(10):
        _assert_equal(_steps(generator))


@pytest.mark.parametrize("world", WORLDS)
def test_the_password_of_every_registration_gets_email_not_verified(world: str) -> None:
    _make(world)
    for name, password in (("name-1", _PASSWORDS[0]), ("name-2", _PASSWORDS[1])):
        assert ApiClient().post("/register", _register(EMAIL, name, password)[2]).status_code == 201

    responses = [
        ApiClient().post("/login", {"email": EMAIL, "password": password})
        for password in (*_PASSWORDS, "Wrong-Horse-1")
    ]

    unverified, wrong = (403, "email_not_verified"), (401, "invalid_credentials")
    assert [(response.status_code, response.json()["code"]) for response in responses] == [
        unverified,
        unverified,
        wrong,
    ]
    assert not Session.objects.exists()


def test_only_the_own_password_of_the_owner_of_a_claimed_email_logs_in() -> None:
    _make("verified")
    ApiClient().post("/register", _register(EMAIL, "name-1")[2])

    assert ApiClient().post("/login", {"email": EMAIL, "password": PASSWORD}).status_code == 200
    assert ApiClient().post("/login", {"email": EMAIL, "password": _PASSWORDS[0]}).status_code == 403
    assert set(Session.objects.values_list("user__username", flat=True)) == {"owner"}


@pytest.mark.parametrize("world", WORLDS)
def test_a_reset_deletes_all_registrations_of_the_email_and_frees_their_usernames(world: str) -> None:
    _make(world)
    names = ("name-1", "name-2")
    for name, password in zip(names, _PASSWORDS, strict=True):
        ApiClient().post("/register", _register(EMAIL, name, password)[2])

    _reset()

    by_email = [ApiClient().post("/login", {"email": EMAIL, "password": password}) for password in _PASSWORDS]
    by_name = [ApiClient().post("/login", {"username": name, "password": _PASSWORDS[0]}) for name in names]
    assert {(response.status_code, response.json()["code"]) for response in by_email + by_name} == {
        (401, "invalid_credentials")
    }
    again = [ApiClient().post("/register", _register(f"{name}@example.com", name)[2]) for name in names]
    assert [response.status_code for response in again] == [201, 201]


def _reset() -> None:
    """Reset the password as the owner of the mailbox."""
    ApiClient().post("/forgot-password", {"email": EMAIL})
    deliver_due()
    token = token_in(mail.outbox[-1])
    response = ApiClient().post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"})
    assert response.status_code == 200, response.content


def test_a_registration_with_the_email_of_a_user_does_not_reset_the_wrong_password_count() -> None:
    _make("verified")
    ApiClient().post("/register", _register(EMAIL, "name-1")[2])
    wrong, claimed = ({"email": EMAIL, "password": password} for password in ("Wrong-Horse-1", _PASSWORDS[0]))

    statuses = [ApiClient().post("/login", body).status_code for body in (wrong, claimed) * 6]

    assert statuses[:9] == [401, 403] * 4 + [401]
    assert set(statuses[9:]) == {429}


def test_a_placeholder_reserves_its_username_and_cannot_log_in(settings: Settings) -> None:
    _make("verified")
    ApiClient().post("/register", _register(EMAIL, "name-1")[2])

    response = ApiClient().post("/login", {"username": "name-1", "password": _PASSWORDS[0]})
    settings.EMAIL_VERIFICATION = "optional"
    optional = ApiClient().post("/login", {"username": "name-1", "password": _PASSWORDS[0]})

    assert [(login.status_code, login.json()["code"]) for login in (response, optional)] == [
        (403, "email_not_verified")
    ] * 2
    placeholder = User.objects.get(username="name-1")
    assert (placeholder.email, placeholder.is_placeholder) == (None, True)
