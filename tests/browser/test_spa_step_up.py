"""The step-up dialog of the example: it opens for any request, takes what the user has, and repeats the request once."""

import pytest
from playwright.sync_api import expect

from accounts.testing.api_client import PASSWORD
from accounts.testing.second_factor import AuthenticatorApp
from tests.browser.keyboard import assert_fits, enter, press, tab_to
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_the_password_confirms_a_change_and_a_wrong_one_does_not(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in_with_password()
    visitor.expect_account()
    visitor.example.let_proofs_age()

    press(page, "#add-factor")
    assert_fits(page)
    enter(page, {"#step-up-field": "Wrong-Horse-1"})
    expect(page.locator("#step-up-field-fault")).to_be_visible()
    expect(page.locator("#enrolment")).to_be_hidden()

    enter(page, {"#step-up-field": PASSWORD})
    expect(page.locator("#step-up")).to_be_hidden()
    expect(page.locator("#enrolment")).to_be_visible()


def test_a_cancelled_dialog_changes_nothing_and_returns_the_focus(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in_with_password()
    visitor.expect_account()
    visitor.example.let_proofs_age()

    tab_to(page, "#login-codes")
    page.keyboard.press("Space")
    expect(page.locator("#step-up")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("#login-codes")).to_be_focused()
    expect(page.locator("#login-codes")).to_be_checked()
    expect(page.locator("#status.bad")).to_be_visible()


def test_with_an_authenticator_app_its_code_or_a_recovery_code_confirms(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in_with_password()
    press(page, "#add-factor")
    expect(page.locator("#enrolment")).to_be_visible()
    app = AuthenticatorApp(page.inner_text("#factor-secret"))
    enter(page, {"#first-code": app.code(-1)})
    recovery_code = visitor.keep_recovery_codes()[0]

    for proof in (app.code(), recovery_code):
        visitor.example.let_proofs_age()
        was_checked = page.is_checked("#login-codes")
        tab_to(page, "#login-codes")
        page.keyboard.press("Space")
        expect(page.locator("#step-up-passkey")).to_be_hidden()
        enter(page, {"#step-up-field": proof})
        expect(page.locator("#step-up")).to_be_hidden()
        expect(page.locator("#status.good")).to_be_visible()
        assert page.is_checked("#login-codes") != was_checked


def test_an_emailed_code_confirms_for_users_without_password_and_passkey(newcomer: Visitor) -> None:
    """An account that was claimed by an emailed code has neither."""
    page, example = newcomer.page, newcomer.example
    example.post("/register", {"email": newcomer.email, "username": newcomer.name, "password": PASSWORD})
    newcomer.sign_in_with_emailed_code()
    expect(page.locator("#profile")).to_contain_text(newcomer.email)
    example.let_proofs_age()

    press(page, "#add-factor")
    expect(page.locator("#step-up-field")).to_be_visible()
    enter(page, {"#step-up-field": newcomer.emailed_code("confirm")})

    expect(page.locator("#step-up")).to_be_hidden()
    expect(page.locator("#enrolment")).to_be_visible()


@pytest.mark.parametrize("transport", ["cookie", "body"])
def test_requests_after_a_step_up_need_no_other_one(visitor: Visitor, transport: str) -> None:
    page = visitor.page
    page.check(f"[value={transport}]")
    visitor.sign_in_with_password()
    visitor.expect_account()
    visitor.example.let_proofs_age()
    requests: list[str] = []
    page.on("request", lambda sent: requests.append(f"{sent.method} {sent.url.partition('/api/auth')[2]}"))

    press(page, "#add-factor")
    enter(page, {"#step-up-field": PASSWORD})
    expect(page.locator("#enrolment")).to_be_visible()
    press(page, "#reload")
    expect(page.locator("#enrolment")).to_be_hidden()
    press(page, "#add-factor")
    expect(page.locator("#enrolment")).to_be_visible()

    assert requests.count("POST /mfa/totp") == 3
    assert requests.count("POST /reauthenticate") == 1
