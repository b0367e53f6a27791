"""The example with a password and an authenticator app, in several tabs, with both token transports."""

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from accounts.testing.api_client import PASSWORD
from accounts.testing.second_factor import WRONG_RECOVERY_CODE, AuthenticatorApp
from tests.browser.keyboard import assert_fits, enter, press, tab_to
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

_CORRUPT_ACCESS_TOKEN = """() => {
  const kept = JSON.parse(localStorage.getItem("vestibule.session"));
  localStorage.setItem("vestibule.session", JSON.stringify({...kept, access: "nonsense"}));
}"""
_SIGNED_OUT_ELSEWHERE = {
    "en": "You were signed out in another tab.",
    "fr": "Vous avez été déconnecté dans un autre onglet.",
}


@pytest.mark.parametrize("transport", ["cookie", "body"])
def test_a_user_signs_up_and_works_in_three_tabs(newcomer: Visitor, context: BrowserContext, transport: str) -> None:
    page = newcomer.page
    _sign_up(newcomer)
    _choose(page, transport)
    newcomer.sign_in_with_password()
    newcomer.expect_account()
    tabs = [page, context.new_page(), context.new_page()]
    for tab in tabs[1:]:
        tab.goto("/")
    _expect_account(tabs, newcomer.name)

    refreshes = _reload_all_without_access_token(context, tabs, transport)
    _expect_account(tabs, newcomer.name)
    assert 1 <= len(refreshes) <= len(tabs)
    assert set(refreshes) == {200}

    press(page, "#log-out")
    for tab in tabs:
        expect(tab.locator("#identifier")).to_be_visible()
    language = page.evaluate("document.documentElement.lang")
    expect(tabs[1].locator("#status")).to_have_text(_SIGNED_OUT_ELSEWHERE[language])
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("transport", ["cookie", "body"])
def test_a_user_adds_an_authenticator_app_and_signs_in_with_it(visitor: Visitor, transport: str) -> None:
    page = visitor.page
    _choose(page, transport)
    visitor.sign_in_with_password()
    recovery_code = _add_app(visitor)
    press(page, "#log-out")
    expect(page.locator("#status.good")).to_be_visible()

    _choose(page, transport)
    visitor.sign_in_with_password()
    enter(page, {"#factor": WRONG_RECOVERY_CODE})
    expect(page.locator("#status.bad")).to_be_visible()
    expect(page.locator("#factor-passkey")).to_be_hidden()
    expect(page.locator("#profile")).to_be_hidden()
    assert_fits(page)

    enter(page, {"#factor": recovery_code})
    visitor.expect_account()
    press(page, "#log-out-all")
    expect(page.locator("#status.good")).to_be_visible()


def test_without_keep_me_signed_in_the_cookies_end_with_the_browser(visitor: Visitor, context: BrowserContext) -> None:
    page = visitor.page
    tab_to(page, "[name=persistent]")
    page.keyboard.press("Space")
    visitor.sign_in_with_password()
    visitor.expect_account()

    expiries = {cookie["name"]: cookie["expires"] for cookie in context.cookies(f"{visitor.example.api}/api/auth")}
    assert expiries == {"jwt": -1, "refreshToken": -1}


def test_errors_are_shown_beside_their_fields(newcomer: Visitor) -> None:
    page = newcomer.page
    press(page, "[data-show=register]")
    enter(page, {"#new-email": "eve@example.com", "#new-username": "e", "#new-password": PASSWORD})

    field = page.locator("#new-username")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.locator("#new-username-fault")).to_contain_text("3")
    expect(page.locator(".error")).to_have_count(1)
    assert_fits(page)


def test_the_page_and_the_messages_of_the_api_are_in_the_users_language(newcomer: Visitor) -> None:
    page = newcomer.page
    french = page.evaluate("navigator.language").startswith("fr")
    enter(page, {"#identifier": "mallory", "#password": PASSWORD})

    expect(page.locator("[data-view=sign-in] h1")).to_have_text("Se connecter" if french else "Sign in")
    expect(page.locator("#status")).to_contain_text("incorrect" if french else "Incorrect identifier or password.")
    assert page.evaluate("document.documentElement.lang") == ("fr" if french else "en")
    assert page.title().startswith("Se connecter" if french else "Sign in")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_is_visible(newcomer: Visitor, scheme: str) -> None:
    page = newcomer.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def _sign_up(newcomer: Visitor) -> None:
    page = newcomer.page
    press(page, "[data-show=register]")
    enter(page, {"#new-email": newcomer.email, "#new-username": newcomer.name, "#new-password": PASSWORD})
    expect(page.locator("#sent-to")).to_have_text(newcomer.email)
    enter(page, {"#email-code": newcomer.emailed_code("verify-email")})
    expect(page.locator("#status.good")).to_be_visible()


def _choose(page: Page, transport: str) -> None:
    expect(page.locator("#identifier")).to_be_visible()
    page.check(f"[value={transport}]")


def _expect_account(tabs: list[Page], name: str) -> None:
    for tab in tabs:
        expect(tab.locator("#profile")).to_contain_text(name)
        expect(tab.locator("#reload")).not_to_have_attribute("aria-disabled", "true")
        expect(tab.locator("#status")).to_be_empty()
        assert_fits(tab)


def _reload_all_without_access_token(context: BrowserContext, tabs: list[Page], transport: str) -> list[int]:
    """Reload all tabs, and return the statuses of the refresh requests."""
    refreshes: list[int] = []
    context.on(
        "response", lambda response: refreshes.append(response.status) if _is_refresh(response.request) else None
    )
    if transport == "cookie":
        context.clear_cookies(name="jwt")
    else:
        tabs[0].evaluate(_CORRUPT_ACCESS_TOKEN)
    for tab in tabs:
        tab.evaluate("document.querySelector('#reload').click()")
    for tab in tabs:
        expect(tab.locator("#reload")).not_to_have_attribute("aria-disabled", "true")
    assert "nonsense" not in tabs[0].evaluate("localStorage.getItem('vestibule.session')")
    return refreshes


def _is_refresh(sent: Request) -> bool:
    return sent.method == "POST" and sent.url.endswith("/refresh")


def _add_app(visitor: Visitor) -> str:
    """Return a recovery code."""
    page = visitor.page
    press(page, "#add-factor")
    expect(page.locator("#qr")).to_be_visible()
    assert page.evaluate("document.querySelector('#qr').decode().then(() => true)")
    assert_fits(page)
    enter(page, {"#first-code": AuthenticatorApp(page.inner_text("#factor-secret")).code()})
    return visitor.keep_recovery_codes()[0]
