"""A person who uses the example and the pages that emails link to, with only the keyboard."""

import re

from playwright.sync_api import Browser, Page, expect

from accounts.testing.api_client import PASSWORD
from tests.browser.authenticator import Devices
from tests.browser.example import Example, code_in
from tests.browser.keyboard import assert_fits, enter, press, tab_to

# Shows in the DOM how many requests for autofill wait for the user.
_OBSERVE_SUGGESTIONS = """
const get = CredentialsContainer.prototype.get;
let pending = 0;
const count = (change) => (document.documentElement.dataset.pending = pending += change);
CredentialsContainer.prototype.get = function (options) {
  const request = get.call(this, options);
  if (options.mediation === "conditional") {
    count(1);
    request.finally(() => count(-1)).catch(() => null);
  }
  return request;
};
"""


class Visitor:
    def __init__(self, page: Page, example: Example, name: str) -> None:
        self.page, self.example, self.name = page, example, name
        self.email = f"{name}@example.com"
        self.devices = Devices(page)
        page.add_init_script(_OBSERVE_SUGGESTIONS)

    def open(self) -> None:
        self.page.goto(f"{self.example.origin}/")

    def type_into(self, field: str, text: str) -> None:
        expect(self.page.locator(field)).to_be_visible()
        tab_to(self.page, field)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def sign_in_with_password(self, password: str = PASSWORD) -> None:
        enter(self.page, {"#identifier": self.name, "#password": password})

    def wait_for_suggestions(self) -> None:
        """Wait until the browser can suggest passkeys in the sign-in field, and none has been chosen."""
        expect(self.page.locator("html[data-pending='1']")).to_be_attached()

    def open_email(self, containing: str) -> str:
        """Find the newest email to the user in the mailbox, open it as text there, and return the text."""
        message = self.example.newest_email(self.email, containing)
        self.page.goto(f"{self.example.api}/dev/mailbox")
        enter(self.page, {"[name=to]": self.email})
        press(self.page, f"a[href*='{message['id']}']")
        press(self.page, ".tabs a[href='?text']")
        expect(self.page.locator("pre.mail")).to_be_visible()
        assert_fits(self.page)
        return str(message["text"])

    def follow_link(self, path: str) -> None:
        """Open the link to the path from the email that is open."""
        press(self.page, f"pre.mail a[href*='{path}?']")
        self.page.wait_for_url(re.compile(re.escape(path)))
        assert_fits(self.page)

    def emailed_code(self, containing: str) -> str:
        """Return the six digits of the newest email, without leaving the page."""
        return code_in(self.example.newest_email(self.email, containing)["text"])

    def expect_account(self) -> None:
        expect(self.page.locator("#profile")).to_contain_text(self.name)
        expect(self.page.locator("#reload")).to_be_visible()
        assert_fits(self.page)

    def keep_recovery_codes(self) -> list[str]:
        """Return the codes that the dialog shows, and close it."""
        expect(self.page.locator("#recovery-codes li")).to_have_count(10)
        codes = self.page.locator("#recovery-codes li").all_inner_texts()
        assert_fits(self.page)
        press(self.page, "#codes-kept")
        expect(self.page.locator("#recovery")).to_be_hidden()
        expect(self.page.locator("#recovery-codes li")).to_have_count(0)
        return codes

    def request_login_code(self) -> None:
        press(self.page, "#by-email")
        enter(self.page, {"#address": self.email})
        expect(self.page.locator("#code-sent-to")).to_have_text(self.email)
        assert_fits(self.page)

    def sign_in_with_emailed_code(self) -> None:
        self.request_login_code()
        enter(self.page, {"#login-code": self.emailed_code("login-code")})

    def in_new_tab(self) -> "Visitor":
        return Visitor(self.page.context.new_page(), self.example, self.name)

    def elsewhere(self, browser: Browser) -> "Visitor":
        """Return the same person in another browser. Close its context."""
        viewport = self.page.viewport_size
        context = browser.new_context(viewport=viewport, base_url=self.example.origin)
        context.set_default_timeout(15_000)
        return Visitor(context.new_page(), self.example, self.name)

    def remove_passkeys_elsewhere(self) -> None:
        """Delete the passkeys from the server's database, without a signal to the browser."""
        self.example.run_python(
            f"from accounts.passkeys.models import Passkey; Passkey.objects.filter(user__username={self.name!r}).delete()"
        )
