"""The pages that emails link to, used with the keyboard only, on a desktop and on a phone."""

from urllib.parse import urlsplit

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.models import User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import log_in, me, signed_in, someone
from accounts.testing.emails import code_in
from core.testing.live_server import ApiRequest, LiveServer
from tests.browser.keyboard import assert_fits, tab_to

pytestmark = pytest.mark.browser

NEW = "Another-Horse-8"


def _emailed_link(address: str | None) -> str:
    """Return path and query of the newest link with a token that was emailed to the address."""
    deliver_due()
    for message in reversed(mail.outbox):
        links = [word for word in str(message.body).split() if "token=" in word]
        if address in message.to and links:
            parts = urlsplit(links[0])
            return f"{parts.path}?{parts.query}"
    raise AssertionError(f"no link was mailed to {address}")


def test_an_email_is_verified_by_the_button_and_not_by_opening_the_link(page: Page, server: LiveServer) -> None:
    user = someone(verified=False)
    outbox.verification(user)

    page.goto(_emailed_link(user.email))
    expect(page.get_by_text(str(user.email))).to_be_visible()
    assert not User.objects.get(id=user.id).email_verified
    assert_fits(page)
    tab_to(page, "#verify")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Your email address is verified.")).to_be_visible()
    assert server.send(log_in(user)).status == 200


def test_a_password_is_reset(page: Page, server: LiveServer) -> None:
    user = someone()
    tokens = signed_in(server, user)
    assert server.send(ApiRequest("POST", "/forgot-password", {"email": user.email})).status == 200

    page.goto(_emailed_link(user.email))
    assert_fits(page)
    for field in ("#password", "#repeated"):
        tab_to(page, field)
        page.keyboard.type(NEW)
    page.keyboard.press("Enter")

    expect(page.get_by_text("Your password was changed")).to_be_visible()
    assert server.send(log_in(user, NEW)).status == 200
    assert server.send(me(tokens.access)).code == "session_revoked"


def test_an_email_change_is_undone_from_the_old_address(page: Page, server: LiveServer) -> None:
    user = someone()
    former = user.email
    token = signed_in(server, user).access
    moved = {"newEmail": f"new.{former}", "password": PASSWORD}
    assert server.send(ApiRequest("POST", "/change-email", moved, token)).status == 200
    deliver_due()
    code = next(code_in(message) for message in reversed(mail.outbox) if moved["newEmail"] in message.to)
    assert server.send(ApiRequest("POST", "/change-email/confirm", {"code": code}, token)).status == 200

    page.goto(_emailed_link(former))
    assert User.objects.get(id=user.id).email == moved["newEmail"]
    assert_fits(page)
    tab_to(page, "#undo")
    page.keyboard.press("Enter")

    expect(page.get_by_text("We restored this email address")).to_be_visible()
    assert User.objects.get(id=user.id).email == former
