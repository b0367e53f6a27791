"""The admin can send failed emails again, with a valid code; no other email is sent twice."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.test import Client, TestCase

from accounts.mail import outbox as mail_outbox
from accounts.models import EmailState, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in

Outbox = Callable[[], list[EmailMessage]]
SendAgain = Callable[[User], Any]

EVE = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}


@pytest.fixture
def send_again() -> SendAgain:
    """Return a function that runs the admin action on all emails, as the given user."""

    def run_action(user: User) -> Any:
        browser = Client()
        browser.force_login(user)
        form = {"action": "send_again", "_selected_action": [str(email.id) for email in OutboxEmail.objects.all()]}
        with TestCase.captureOnCommitCallbacks(execute=True):
            return browser.post("/admin/accounts/outboxemail/", form, follow=True)

    return run_action


def _fail_all() -> None:
    OutboxEmail.objects.update(state=EmailState.FAILED, attempts=12, error="SMTPRecipientsRefused 550")


def test_a_failed_email_is_sent_again_with_all_its_attempts_and_a_valid_code(
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
def test_an_email_that_did_not_fail_is_not_changed(
    alice: User, superuser: User, send_again: SendAgain, state: EmailState
) -> None:
    mail_outbox.welcome(alice)
    OutboxEmail.objects.update(state=state, due_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert "0 emails will be sent again." in send_again(superuser).content.decode()

    assert OutboxEmail.objects.filter(state=state, due_at=datetime(2026, 1, 1, tzinfo=UTC)).exists()


def test_a_code_requested_after_the_failure_is_not_replaced(
    api: ApiClient, superuser: User, outbox: Outbox, send_again: SendAgain
) -> None:
    api.post("/register", EVE)
    _fail_all()
    api.post("/resend-verification", {"email": EVE["email"]})
    [message] = outbox()

    send_again(superuser)

    assert outbox() == [message]
    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(message)}).status_code == 200


def test_a_failed_reset_is_not_sent_again_after_a_password_change(
    api: ApiClient, alice: User, superuser: User, outbox: Outbox, send_again: SendAgain
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    _fail_all()
    mail_outbox.cancel_resets(alice)

    send_again(superuser)

    assert outbox() == []


def test_a_staff_user_with_view_permission_cannot_send_again(alice: User, bob: User, send_again: SendAgain) -> None:
    User.objects.filter(id=alice.id).update(is_staff=True)
    alice.user_permissions.add(Permission.objects.get(codename="view_outboxemail"))
    mail_outbox.welcome(bob)
    _fail_all()

    send_again(User.objects.get(id=alice.id))

    assert OutboxEmail.objects.get().state == EmailState.FAILED
