"""The pages of a recovery's links, used with the keyboard only, on a desktop and on a phone."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pyotp
import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from accounts.mail.delivery import deliver_due
from accounts.mfa.models import FactorRecovery
from accounts.models import User
from accounts.testing.cast import log_in, signed_in, someone
from core.testing.live_server import ApiRequest, LiveServer
from tests.browser.keyboard import assert_fits, tab_to

pytestmark = pytest.mark.browser


def _enrolled(server: LiveServer) -> User:
    user = someone()
    access = signed_in(server, user).access
    secret = server.send(ApiRequest("POST", "/mfa/totp", token=access)).data["secret"]
    confirm = ApiRequest("POST", "/mfa/totp/confirm", {"code": pyotp.TOTP(secret).now()}, access)
    assert server.send(confirm).status == 200
    return user


def _begin(server: LiveServer, user: User) -> tuple[str, str]:
    """Begin a recovery, and return path and query of the two emailed links: to complete and to stop it."""
    token = server.send(log_in(user)).data["mfaToken"]
    assert server.send(ApiRequest("POST", "/mfa/recovery", {"mfaToken": token})).status == 202
    deliver_due()
    message = next(message for message in reversed(mail.outbox) if user.email in message.to)
    links = [urlsplit(word) for word in str(message.body).split() if "token=" in word]
    paths = {parts.path: f"{parts.path}?{parts.query}" for parts in links}
    return paths["/recovery"], paths["/recovery/stop"]


def _press(page: Page) -> None:
    tab_to(page, "#send")
    page.keyboard.press("Enter")


def test_the_page_says_when_it_is_too_early_and_completes_later(page: Page, server: LiveServer) -> None:
    user = _enrolled(server)
    page.goto(_begin(server, user)[0])
    assert "token" not in page.url
    assert_fits(page)

    _press(page)
    expect(page.get_by_text("It's too early.")).to_be_visible()
    expect(page.locator("#status")).not_to_contain_text("{time}")
    assert_fits(page)
    assert User.objects.get(id=user.id).mfa_enabled

    FactorRecovery.objects.filter(user=user).update(available_at=datetime.now(UTC))
    _press(page)
    expect(page.get_by_text("Two-factor authentication is off")).to_be_visible()
    tab_to(page, "#done a")
    assert_fits(page)
    assert server.send(log_in(user)).data["token"]


def test_a_recovery_is_stopped_by_the_button_and_not_by_opening_the_link(page: Page, server: LiveServer) -> None:
    user = _enrolled(server)
    page.goto(_begin(server, user)[1])
    assert FactorRecovery.objects.get(user=user).cancelled_at is None
    assert_fits(page)

    _press(page)

    expect(page.get_by_text("We stopped it.")).to_be_visible()
    assert FactorRecovery.objects.get(user=user).cancelled_at is not None
    assert User.objects.get(id=user.id).mfa_enabled
