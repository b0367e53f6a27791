"""With PREVENT_ENUMERATION no sequence of requests tells whether an address is unknown, registered or verified.

The same random sequence runs in three worlds that differ in nothing but the state of one address; the transcripts must be equal.
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
# What differs with the clock or by chance, and in no world more than in another.
_CHANCE = re.compile(r'"(id|createdAt)": ?"[^"]*"|(?<=t=)[0-9]+|in [0-9]+ seconds?')
_IGNORED = {"X-Request-Id", "Date"}


def _steps(chance: random.Random) -> list[Step]:
    return [_step(chance) for _ in range(chance.randint(2, 14))]


def _step(chance: random.Random) -> Step:
    email, name, password = chance.choice(_EMAILS), chance.choice(_NAMES), chance.choice(_PASSWORDS)
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
    return chance.choice(steps)


def _make(world: str) -> None:
    """The name of the owner is taken in each world: usernames are no secret."""
    for model in (User, AttemptCounter, OutboxEmail):
        model.objects.all().delete()
    get_redis_connection("default").flushdb()
    memory.clear()
    verified_at = timezone.now() if world == "verified" else None
    User.objects.create_user("owner", OTHER if world == "unknown" else EMAIL, PASSWORD, email_verified_at=verified_at)


def _transcript(world: str, steps: list[Step]) -> list[Any]:
    _make(world)
    return [_told(getattr(ApiClient(), method)(path, body or None)) for method, path, body in steps]


def _told(reply: Any) -> tuple[int, str, list[tuple[str, str]]]:
    headers = {name: value for name, value in reply.headers.items() if name not in _IGNORED}
    if "Retry-After" in headers:
        headers["Retry-After"] = "a while"
    said = [(name, _CHANCE.sub("*", value)) for name, value in sorted(headers.items()) if name != "Content-Length"]
    return reply.status_code, _CHANCE.sub("*", reply.content.decode()), said


def _assert_equal(steps: list[Step]) -> None:
    unknown, unverified, verified = (_transcript(world, steps) for world in WORLDS)
    assert unverified == unknown
    assert verified == unknown


@pytest.fixture(autouse=True)
def _strict(settings: Settings, limits_on: Settings) -> None:
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
def test_known_ways_to_tell_tell_nothing(steps: list[Step]) -> None:
    _assert_equal(steps)


@pytest.mark.parametrize("seed", range(5))
def test_no_random_sequence_tells(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    for _ in range(10):
        _assert_equal(_steps(chance))


@pytest.mark.parametrize("world", WORLDS)
def test_the_right_password_of_each_sign_up_is_told_to_verify_its_email(world: str) -> None:
    _make(world)
    for name, password in (("name-1", _PASSWORDS[0]), ("name-2", _PASSWORDS[1])):
        assert ApiClient().post("/register", _register(EMAIL, name, password)[2]).status_code == 201

    replies = [
        ApiClient().post("/login", {"email": EMAIL, "password": each}) for each in (*_PASSWORDS, "Wrong-Horse-1")
    ]

    refused, wrong = (403, "email_not_verified"), (401, "invalid_credentials")
    assert [(each.status_code, each.json()["code"]) for each in replies] == [refused, refused, wrong]
    assert not Session.objects.exists()


def test_the_owner_of_a_claimed_address_signs_in_with_their_own_password_alone() -> None:
    _make("verified")
    ApiClient().post("/register", _register(EMAIL, "name-1")[2])

    assert ApiClient().post("/login", {"email": EMAIL, "password": PASSWORD}).status_code == 200
    assert ApiClient().post("/login", {"email": EMAIL, "password": _PASSWORDS[0]}).status_code == 403
    assert set(Session.objects.values_list("user__username", flat=True)) == {"owner"}


@pytest.mark.parametrize("world", WORLDS)
def test_a_reset_ends_all_sign_ups_for_its_address_and_frees_their_names(world: str) -> None:
    _make(world)
    names = ("name-1", "name-2")
    for name, password in zip(names, _PASSWORDS, strict=True):
        ApiClient().post("/register", _register(EMAIL, name, password)[2])

    _reset()

    by_email = [ApiClient().post("/login", {"email": EMAIL, "password": each}) for each in _PASSWORDS]
    by_name = [ApiClient().post("/login", {"username": name, "password": _PASSWORDS[0]}) for name in names]
    assert {(each.status_code, each.json()["code"]) for each in by_email + by_name} == {(401, "invalid_credentials")}
    again = [ApiClient().post("/register", _register(f"{name}@example.com", name)[2]) for name in names]
    assert [each.status_code for each in again] == [201, 201]


def _reset() -> None:
    """By the owner of the mailbox."""
    ApiClient().post("/forgot-password", {"email": EMAIL})
    deliver_due()
    token = token_in(mail.outbox[-1])
    reply = ApiClient().post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"})
    assert reply.status_code == 200, reply.content


def test_a_sign_up_for_somebody_does_not_reset_the_count_of_wrong_passwords() -> None:
    _make("verified")
    ApiClient().post("/register", _register(EMAIL, "name-1")[2])
    wrong, claimed = ({"email": EMAIL, "password": password} for password in ("Wrong-Horse-1", _PASSWORDS[0]))

    statuses = [ApiClient().post("/login", body).status_code for body in (wrong, claimed) * 6]

    assert statuses[:9] == [401, 403] * 4 + [401]
    assert set(statuses[9:]) == {429}


def test_a_placeholder_holds_its_name_as_long_as_a_sign_up_and_signs_nobody_in(settings: Settings) -> None:
    _make("verified")
    ApiClient().post("/register", _register(EMAIL, "name-1")[2])

    reply = ApiClient().post("/login", {"username": "name-1", "password": _PASSWORDS[0]})
    settings.EMAIL_VERIFICATION = "optional"
    optional = ApiClient().post("/login", {"username": "name-1", "password": _PASSWORDS[0]})

    assert [(each.status_code, each.json()["code"]) for each in (reply, optional)] == [(403, "email_not_verified")] * 2
    placeholder = User.objects.get(username="name-1")
    assert (placeholder.email, placeholder.is_placeholder) == (None, True)
