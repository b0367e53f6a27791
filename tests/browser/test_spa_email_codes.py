"""Sign-in by an emailed code in the example, and by the email's link in the page of the API."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.keyboard import assert_fits, enter, press, tab_to
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_the_emailed_code_signs_in_where_it_was_requested(visitor: Visitor) -> None:
    visitor.sign_in_with_emailed_code()

    visitor.expect_account()
    expect(visitor.page.locator("#passkey-offer")).to_be_hidden()


def test_a_wrong_code_signs_no_user_in(visitor: Visitor) -> None:
    page = visitor.page
    visitor.request_login_code()
    right = visitor.emailed_code("login-code")

    enter(page, {"#login-code": f"{(int(right) + 1) % 1_000_000:06d}"})

    expect(page.locator("#status.bad")).to_be_visible()
    expect(page.locator("#profile")).to_be_hidden()


def test_the_link_signs_in_the_browser_that_requested_it(visitor: Visitor) -> None:
    page = visitor.page
    visitor.request_login_code()
    mailbox = visitor.in_new_tab()
    mailbox.open_email("login-code?")
    mailbox.follow_link("/login-code")
    press(mailbox.page, "main button")
    expect(mailbox.page.locator("#status.good")).to_be_visible()

    press(page, "#used-link")
    visitor.expect_account()


def test_the_link_signs_no_other_browser_in(visitor: Visitor, chromium: Browser) -> None:
    page = visitor.page
    visitor.request_login_code()
    other = visitor.elsewhere(chromium)
    other.open_email("login-code?")
    other.follow_link("/login-code")
    press(other.page, "main button")
    expect(other.page.locator("#status.bad")).to_be_visible()
    assert [cookie["name"] for cookie in other.page.context.cookies()] == []

    press(page, "#used-link")
    expect(page.locator("#status.bad")).to_be_visible()
    enter(page, {"#login-code": visitor.emailed_code("login-code")})
    visitor.expect_account()
    other.page.context.close()


def test_a_user_turns_emailed_codes_off(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in_with_password()
    visitor.expect_account()
    expect(page.locator("#login-codes")).to_be_checked()
    tab_to(page, "#login-codes")
    page.keyboard.press("Space")
    expect(page.locator("#status.good")).to_be_visible()

    press(page, "#reload")
    expect(page.locator("#login-codes")).not_to_be_checked()
    assert_fits(page)
