"""An email that failed can be sent again from the admin, with a code that works; no other is sent twice."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.test import Client, TestCase

from accounts.mail import outbox as promises
from accounts.models import EmailState, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in

Outbox = Callable[[], list[EmailMessage]]
SendAgain = Callable[[User], Any]

EVE = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}


@pytest.fixture
def send_again() -> SendAgain:
    """`send_again(grace)` presses the button for all emails there are, in the admin."""

    def press(user: User) -> Any:
        browser = Client()
        browser.force_login(user)
        form = {"action": "send_again", "_selected_action": [str(email.id) for email in OutboxEmail.objects.all()]}
        with TestCase.captureOnCommitCallbacks(execute=True):
            return browser.post("/admin/accounts/outboxemail/", form, follow=True)

    return press


def _fail_all() -> None:
    OutboxEmail.objects.update(state=EmailState.FAILED, attempts=12, error="SMTPRecipientsRefused 550")


def test_a_failed_email_is_sent_again_with_all_its_tries_and_a_code_that_works(
    api: ApiClient, superuser: User, outbox: Outbox, send_again: SendAgain
) -> None:
    api.post("/register", EVE)
    _fail_all()
    assert outbox() == []

    assert "1 email will be sent again." in send_again(superuser).content.decode()

    [email] = OutboxEmail.objects.all()
    assert (email.state, email.attempts) == (EmailState.QUEUED, 0)
    [message] = outbox()
    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(message)}).status_code == 200


@pytest.mark.parametrize("state", sorted(set(EmailState) - {EmailState.FAILED}))
def test_what_did_not_fail_is_left_as_it_is(
    alice: User, superuser: User, send_again: SendAgain, state: EmailState
) -> None:
    promises.welcome(alice)
    OutboxEmail.objects.update(state=state, due_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert "0 emails will be sent again." in send_again(superuser).content.decode()

    assert OutboxEmail.objects.filter(state=state, due_at=datetime(2026, 1, 1, tzinfo=UTC)).exists()


def test_a_code_that_was_asked_for_after_it_goes_before(
    api: ApiClient, superuser: User, outbox: Outbox, send_again: SendAgain
) -> None:
    api.post("/register", EVE)
    _fail_all()
    api.post("/resend-verification", {"email": EVE["email"]})
    [message] = outbox()

    send_again(superuser)

    assert outbox() == [message]
    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(message)}).status_code == 200


def test_a_reset_that_failed_is_not_sent_again_once_the_password_changed(
    api: ApiClient, alice: User, superuser: User, outbox: Outbox, send_again: SendAgain
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    _fail_all()
    promises.cancel_resets(alice)

    send_again(superuser)

    assert outbox() == []


def test_who_may_only_look_cannot_send_again(alice: User, bob: User, send_again: SendAgain) -> None:
    User.objects.filter(id=alice.id).update(is_staff=True)
    alice.user_permissions.add(Permission.objects.get(codename="view_outboxemail"))
    promises.welcome(bob)
    _fail_all()

    send_again(User.objects.get(id=alice.id))

    assert OutboxEmail.objects.get().state == EmailState.FAILED
