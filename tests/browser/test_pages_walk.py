"""The pages that emails lead to, by keyboard alone, on a desktop and on a phone."""

from urllib.parse import urlsplit

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from accounts.mail import outbox
from accounts.mail.delivery import deliver_waiting
from accounts.models import User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import log_in, me, signed_in, someone
from accounts.testing.emails import code_in
from core.testing.live_server import ApiRequest, LiveServer
from tests.browser.keyboard import assert_fits, tab_to

pytestmark = pytest.mark.browser

NEW = "Another-Horse-8"


def _link_mailed_to(address: str | None) -> str:
    """Path and query of the link in the newest email to this address that has one with a token."""
    deliver_waiting()
    for message in reversed(mail.outbox):
        links = [word for word in str(message.body).split() if "token=" in word]
        if address in message.to and links:
            parts = urlsplit(links[0])
            return f"{parts.path}?{parts.query}"
    raise AssertionError(f"no link was mailed to {address}")


def test_an_address_is_verified_by_a_button_and_not_by_the_link_alone(page: Page, server: LiveServer) -> None:
    user = someone(verified=False)
    outbox.verification(user)

    page.goto(_link_mailed_to(user.email))
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

    page.goto(_link_mailed_to(user.email))
    assert_fits(page)
    for field in ("#password", "#repeated"):
        tab_to(page, field)
        page.keyboard.type(NEW)
    page.keyboard.press("Enter")

    expect(page.get_by_text("Your password was changed")).to_be_visible()
    assert server.send(log_in(user, NEW)).status == 200
    assert server.send(me(tokens.access)).code == "session_revoked"


def test_a_change_of_address_is_undone_from_the_former_one(page: Page, server: LiveServer) -> None:
    user = someone()
    former = user.email
    token = signed_in(server, user).access
    moved = {"newEmail": f"new.{former}", "password": PASSWORD}
    assert server.send(ApiRequest("POST", "/change-email", moved, token)).status == 200
    deliver_waiting()
    code = next(code_in(message) for message in reversed(mail.outbox) if moved["newEmail"] in message.to)
    assert server.send(ApiRequest("POST", "/change-email/confirm", {"code": code}, token)).status == 200

    page.goto(_link_mailed_to(former))
    assert User.objects.get(id=user.id).email == moved["newEmail"]
    assert_fits(page)
    tab_to(page, "#undo")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Your account has this address again")).to_be_visible()
    assert User.objects.get(id=user.id).email == former
