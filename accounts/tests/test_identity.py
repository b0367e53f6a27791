"""The unique keys of emails: mail goes to the mailbox of the key, and no lookalike letter passes for an ASCII letter."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.identity import attempt_key, delivery_form, email_key, email_key_or_none
from accounts.identity_validators import validate_email
from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

# U+212A (Kelvin sign), U+017F (long s), U+0130 and U+0131 (i with and without a dot), full width, sharp s, an @ in the domain.
LOOKALIKES = [
    "\u212aate@example.com", "alice\u017f@example.com", "al\u0130ce@example.com", "al\u0131ce@example.com",
    "\uff41lice@example.com", "stra\u00dfe@example.com", "alice@b\uff20example.com",
]  # fmt: skip
_TEXT = st.text(min_size=1, max_size=20)
_LOCAL = st.one_of(_TEXT, st.text(alphabet="aAkK\u212a\u017fsS\u0130\u0131i.+", min_size=1, max_size=12))
_DOMAIN = st.one_of(
    st.just("example.com"),
    st.text(alphabet="aB\u00e4\u00df\u212a\uff45\uff0e\u3002\u017f\u0130\uff20-9.", min_size=1, max_size=20).map(
        "{}.com".format
    ),
    st.text(max_size=20).map("{}.example".format),
)


@given(local=_LOCAL, domain=_DOMAIN)
@example(local="\u212aate", domain="example.com")
@example(local="alice", domain="fa\u00df.example")
@example(local="alice", domain="b\uff20c.com")
@settings(max_examples=500, deadline=None)
def test_mail_to_an_accepted_email_goes_to_the_mailbox_of_its_key(local: str, domain: str) -> None:
    email = f"{local}@{domain}"
    try:
        validate_email(email)
    except ValidationError:
        return

    sent_to = sanitize_address(delivery_form(email), "utf-8")

    assert sent_to.lower() == email_key(email)
    assert sent_to.isascii()
    assert email_key(delivery_form(email)) == email_key(email)


@given(text=st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_has_an_attempt_key_and_at_most_one_email_key(text: str) -> None:
    assert attempt_key(text) == attempt_key(text)
    key = email_key_or_none(text)
    assert key is None or email_key(key) == key


@pytest.mark.timeout(5)
@pytest.mark.parametrize("path", ["/forgot-password"])
def test_overlong_text_is_not_normalized(api: ApiClient, db: None, path: str) -> None:
    """Normalizing these 60 KiB takes 4.7 seconds."""
    assert api.post(path, {"email": "a" + "\u0301\u0316" * 15_000 + "@example.com"}).status_code == 200


def _kate() -> User:
    return User.objects.create_user("kate", "kate@example.com", PASSWORD)


@pytest.mark.parametrize("email", LOOKALIKES)
def test_every_endpoint_that_sets_an_email_rejects_lookalike_letters(
    api: ApiClient, alice: User, admin: User, sign_in: SignIn, email: str
) -> None:
    _kate()
    client, administrator = sign_in(alice).client, sign_in(admin).client

    responses: list[Any] = [
        api.post("/register", {"email": email, "username": "eve", "password": PASSWORD}),
        client.post("/change-email", {"newEmail": email, "password": PASSWORD}),
        administrator.post("/users", {"email": email, "username": "eve", "password": PASSWORD}),
        administrator.patch(f"/users/{alice.id}", {"email": email}),
    ]

    assert [(response.status_code, response.json()["code"]) for response in responses] == [
        (400, "validation_error")
    ] * 4
    assert User.objects.count() == 3


@pytest.mark.parametrize("email", LOOKALIKES)
def test_the_admin_and_the_command_reject_lookalike_letters(
    superuser: User, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    _kate()
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    browser = Client()
    browser.force_login(superuser)
    form = {"username": "eve", "email": email, "usable_password": "false"}

    assert browser.post("/admin/accounts/user/add/", form).status_code == 200
    with pytest.raises(CommandError):
        call_command("create_admin", email, "eve", "--password-stdin")

    assert not User.objects.filter(username="eve").exists()


@pytest.mark.parametrize("path", ["/login", "/forgot-password", "/resend-verification", "/verify-email"])
@pytest.mark.parametrize("email", LOOKALIKES)
def test_looking_up_a_lookalike_email_reaches_no_other_mailbox(
    api: ApiClient, alice: User, outbox: Outbox, path: str, email: str
) -> None:
    User.objects.create_user("strasse", "strasse@example.com", PASSWORD)

    response = api.post(path, {"email": email, "code": "123456", "password": "Wrong-Horse-7"})

    assert response.status_code < 500
    assert {message.to[0] for message in outbox()} <= {"alice@example.com"}


def test_a_lookalike_letter_does_not_match_a_username(api: ApiClient, db: None) -> None:
    _kate()

    response = api.post("/login", {"username": "\u212aate", "password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")


def test_mail_to_an_international_domain_uses_the_domain_of_the_key(api: ApiClient, db: None, outbox: Outbox) -> None:
    """Python's own conversion (IDNA 2003) would send it to fass.example."""
    api.post("/register", {"email": "Eve@fa\u00df.example", "username": "eve", "password": PASSWORD})

    [message] = outbox()

    assert message.to == ["Eve@xn--fa-hia.example"]
    assert User.objects.get().email == "Eve@fa\u00df.example"
