"""Helpers for users with only a keyboard or a narrow screen."""

from playwright.sync_api import Page

_MAX_TABS = 40


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(_MAX_TABS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def assert_fits(page: Page) -> None:
    """Fail if the page scrolls horizontally."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
