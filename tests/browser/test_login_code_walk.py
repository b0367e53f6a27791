"""The page of the link that signs in, used with the keyboard only, on a desktop and on a phone."""

from urllib.parse import urlsplit

import pyotp
import pytest
from django.core import mail
from playwright.sync_api import Browser, Page, expect

from accounts.mail.delivery import deliver_due
from accounts.models import User
from accounts.testing.cast import signed_in, someone
from accounts.testing.emails import code_in
from core.testing.live_server import ApiRequest, LiveServer
from sessions_tracking.models import Session
from tests.browser.authenticator import Devices
from tests.browser.keyboard import assert_fits, press, tab_to
from tests.browser.stored_passkeys import give_passkey

pytestmark = pytest.mark.browser


def _request_link(page: Page, user: User) -> str:
    """Request a code in the browser of the page, and return path and query of the emailed link."""
    response = page.request.post("/api/auth/login/code", data={"email": user.email})
    assert response.ok, response.text()
    deliver_due()
    message = next(message for message in reversed(mail.outbox) if user.email in message.to)
    assert code_in(message)
    parts = urlsplit(next(word for word in str(message.body).split() if "token=" in word))
    return f"{parts.path}?{parts.query}"


def _me(page: Page) -> int:
    return page.request.get("/api/auth/me").status


def test_the_link_signs_in_by_its_button_and_not_by_being_opened(page: Page) -> None:
    user = someone()

    page.goto(_request_link(page, user))
    expect(page.get_by_text("Press the button to sign in")).to_be_visible()
    assert "token" not in page.url
    assert_fits(page)
    assert _me(page) == 401
    tab_to(page, "#sign-in")
    page.keyboard.press("Enter")

    expect(page.get_by_text("You are signed in.")).to_be_visible()
    tab_to(page, "#continue a")
    assert_fits(page)
    assert _me(page) == 200


def test_another_browser_is_not_signed_in_and_says_where_to_enter_the_code(
    page: Page, chromium: Browser, server: LiveServer
) -> None:
    user = someone()
    link = _request_link(page, user)
    context = chromium.new_context(base_url=f"http://127.0.0.1:{server.port}")
    other = context.new_page()

    other.goto(link)
    tab_to(other, "#sign-in")
    other.keyboard.press("Enter")

    expect(other.get_by_text("This link didn't sign you in.")).to_be_visible()
    assert (_me(other), _me(page)) == (401, 401)
    assert not Session.objects.filter(user=user).exists()
    context.close()


def test_the_page_asks_for_the_code_of_the_authenticator_app(page: Page, server: LiveServer) -> None:
    user = someone()
    access = signed_in(server, user).access
    app = pyotp.TOTP(server.send(ApiRequest("POST", "/mfa/totp", token=access)).data["secret"])
    confirm = ApiRequest("POST", "/mfa/totp/confirm", {"code": app.now()}, access)
    recovery_code = server.send(confirm).data["recoveryCodes"][0]

    page.goto(_request_link(page, user))
    tab_to(page, "#sign-in")
    page.keyboard.press("Enter")
    expect(page.get_by_text("One more step")).to_be_visible()
    assert _me(page) == 401
    for code, text in (("AAAAA-AAAAA", "incorrect"), (recovery_code, "You are signed in.")):
        tab_to(page, "#code")
        page.locator("#code").fill("")
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        expect(page.get_by_text(text)).to_be_visible()

    assert _me(page) == 200


def test_the_page_accepts_a_passkey_as_the_second_factor(chromium: Browser, server: LiveServer) -> None:
    """At localhost, because browsers allow no passkeys for an IP."""
    context = chromium.new_context(base_url=f"http://localhost:{server.port}")
    page, user = context.new_page(), someone()
    device = Devices(page).add()
    give_passkey(user, device)

    page.goto(_request_link(page, user))
    press(page, "#sign-in")
    expect(page.get_by_text("One more step")).to_be_visible()
    expect(page.locator("#factor")).to_be_hidden()
    with device.unlocked():
        press(page, "#passkey")
        expect(page.get_by_text("You are signed in.")).to_be_visible()

    assert _me(page) == 200
    expect(page.locator("#recovery-codes li")).to_have_count(10)  # of the first sign-in, as after a sign-up by passkey
    assert_fits(page)
    context.close()


def test_an_incomplete_link_says_so_in_french(chromium: Browser, server: LiveServer) -> None:
    context = chromium.new_context(base_url=f"http://127.0.0.1:{server.port}", locale="fr-FR")
    page = context.new_page()

    page.goto("/login-code")

    expect(page.get_by_text("Ce lien est incomplet.")).to_be_visible()
    expect(page.locator("#sign-in")).to_be_hidden()
    context.close()
