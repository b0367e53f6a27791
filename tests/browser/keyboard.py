"""Helpers for users with only a keyboard or a narrow screen."""

from playwright.sync_api import Page, expect

_MAX_TABS = 60


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(_MAX_TABS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def press(page: Page, selector: str) -> None:
    """Wait for the control, move to it with Tab, and press Enter."""
    expect(page.locator(selector).first).to_be_visible()
    tab_to(page, selector)
    page.keyboard.press("Enter")


def enter(page: Page, fields: dict[str, str]) -> None:
    """Type the texts into the fields, by selector, and press Enter in the last one."""
    for selector, text in fields.items():
        expect(page.locator(selector)).to_be_visible()
        tab_to(page, selector)
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def assert_focus_is_visible(page: Page) -> None:
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def assert_fits(page: Page) -> None:
    """Fail if the page scrolls horizontally."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
