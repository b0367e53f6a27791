"""With PREVENT_ENUMERATION, a sign-up by passkey with an email in use looks like any other, and so does its sign-in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import SoftwareAuthenticator
from accounts.testing.api_client import ApiClient

pytestmark = pytest.mark.django_db(transaction=True)

Outbox = Callable[[], list[EmailMessage]]


@pytest.fixture(autouse=True)
def _prevent_enumeration(settings: Settings, alice: User) -> None:
    settings.PREVENT_ENUMERATION = True
    settings.EMAIL_VERIFICATION = "mandatory"


def _sign_up(name: str, email: str) -> tuple[SoftwareAuthenticator, Any, list[str]]:
    """Return the authenticator, the response and the verbs of the statements."""
    authenticator = passkey_client.new_authenticator()
    credential = authenticator.create(passkey_client.sign_up_options(email=email, username=name))
    with CaptureQueriesContext(connection) as queries:
        response = ApiClient().post("/register", {"email": email, "username": name, "credential": credential})
    return authenticator, response, [_shape(query["sql"]) for query in queries.captured_queries]


def _shape(statement: str) -> str:
    return " ".join(word for word in statement.split(" ")[:3] if "%" not in word)


def _without_identity(response: Any) -> Any:
    body = response.json()
    for name in ("id", "email", "username", "createdAt", "updatedAt"):
        body["data"]["user"].pop(name, None)
    return body


def test_a_sign_up_with_an_email_in_use_has_the_same_response_and_the_same_work() -> None:
    _sign_up("warmup", "warmup@example.com")

    _taken_holder, taken, taken_work = _sign_up("erin", "alice@example.com")
    _free_holder, free, free_work = _sign_up("frank", "frank@example.com")

    assert (taken.status_code, free.status_code) == (201, 201)
    assert _without_identity(taken) == _without_identity(free)
    assert taken_work == free_work


def test_the_sign_in_after_it_looks_like_that_of_an_unverified_user(outbox: Outbox) -> None:
    taken, _response, _work = _sign_up("erin", "alice@example.com")
    free, _response, _work = _sign_up("frank", "frank@example.com")

    hidden, unverified = passkey_client.sign_in(taken), passkey_client.sign_in(free)

    assert hidden.status_code == unverified.status_code == 403
    assert hidden.json() == unverified.json()
    assert sorted(message.to[0] for message in outbox()) == ["alice@example.com", "frank@example.com"]


def test_the_owner_keeps_the_account(outbox: Outbox) -> None:
    holder, _response, _work = _sign_up("erin", "alice@example.com")

    alice = User.objects.get(username="alice")
    assert not alice.mfa_enabled
    assert not alice.passkeys.exists()
    assert passkey_client.sign_in(holder).json()["code"] == "email_not_verified"
