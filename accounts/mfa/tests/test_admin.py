"""The actions of the admin on lost second factors, and the recoveries on a user's page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client, TestCase
from time_machine import Traveller

from accounts.mfa.models import FactorRecovery, MfaAuditKind, TotpFactor
from accounts.mfa.tests.recoveries import STOPPED, begin, complete, tokens_in
from accounts.models import AuditEvent, User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.second_factor import UserWithTotp

Outbox = Callable[[], list[EmailMessage]]
USERS = "/admin/accounts/user"
STOP, RESET = "Stop the recovery of the second factor", "Remove authenticator app and recovery codes"


@pytest.fixture
def browser(superuser: User, clock: Traveller) -> Client:
    """The browser of grace, signed in to the admin."""
    browser = Client()
    browser.force_login(superuser)
    return browser


def _press(browser: Client, user: User, action: str) -> Any:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return browser.post(f"{USERS}/{user.id}/actions/{action}/", {"confirm": "yes"}, follow=True)


def _page(browser: Client, user: User) -> str:
    return browser.get(f"{USERS}/{user.id}/change/").content.decode()


def test_the_page_of_a_user_shows_an_open_recovery_and_offers_to_stop_it(
    alice_with_totp: UserWithTotp, browser: Client
) -> None:
    before = _page(browser, alice_with_totp.user)
    begin(alice_with_totp.pending(), ApiClient(REMOTE_ADDR="203.0.113.7"))

    shown = _page(browser, alice_with_totp.user)

    assert STOP not in before
    assert "Recovery of the second factor" not in before
    assert all(text in shown for text in (STOP, RESET, "Recovery of the second factor", "203.0.113.7"))
    row = FactorRecovery.objects.get()
    assert row.binding not in shown
    assert str(row.id) not in shown


def test_an_administrator_stops_a_recovery_and_the_user_is_notified(
    alice_with_totp: UserWithTotp, superuser: User, browser: Client, outbox: Outbox, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    token, _stop = tokens_in(outbox())

    _press(browser, alice_with_totp.user, "stop-recovery")

    event = AuditEvent.objects.get(kind=MfaAuditKind.RECOVERY_STOPPED)
    assert (event.user_id, event.actor_id) == (alice_with_totp.user.id, superuser.id)
    message = outbox()[-1]
    assert (message.subject, message.to) == (STOPPED, ["alice@example.com"])
    assert "127.0.0.1" not in str(message.body)
    assert "stopped" in _page(browser, alice_with_totp.user)
    clock.shift(timedelta(hours=24))
    assert complete(token).json()["code"] == "token_invalid"


def test_stopping_without_an_open_recovery_does_nothing(alice_with_totp: UserWithTotp, browser: Client) -> None:
    response = _press(browser, alice_with_totp.user, "stop-recovery")

    assert "0 done" in response.content.decode()
    assert not AuditEvent.objects.filter(kind=MfaAuditKind.RECOVERY_STOPPED).exists()


def test_removing_the_app_also_closes_the_recovery(
    alice_with_totp: UserWithTotp, browser: Client, outbox: Outbox, clock: Traveller
) -> None:
    begin(alice_with_totp.pending())
    token, _stop = tokens_in(outbox())

    _press(browser, alice_with_totp.user, "reset-second-factor")

    assert not TotpFactor.objects.exists()
    assert "token" in ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]
    assert RESET not in _page(browser, alice_with_totp.user)
    clock.shift(timedelta(hours=24))
    assert complete(token).json()["code"] == "token_invalid"
