"""The single-page example of the documentation, on a phone and on a desktop, with both token transports."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from django.core import mail
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from pytest_django import DjangoDbBlocker

from accounts.mail.delivery import deliver_due
from accounts.testing.api_client import PASSWORD
from accounts.testing.emails import code_in
from core.dev import processes
from core.ids import new_id
from core.paths import BASE_DIR
from core.testing import live_database, live_server
from core.testing.live_server import HOST
from core.web_server import bind_address
from tests.browser.keyboard import assert_fits, tab_to

pytestmark = pytest.mark.browser

_SERVE = BASE_DIR / "docs" / "examples" / "spa" / "serve.py"
_CORRUPT_ACCESS_TOKEN = """() => {
  const kept = JSON.parse(localStorage.getItem("vestibule.session"));
  localStorage.setItem("vestibule.session", JSON.stringify({...kept, access: "nonsense"}));
}"""


@pytest.fixture(scope="module")
def spa(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """The example's address; its API is another origin."""
    folder, port = tmp_path_factory.mktemp("spa"), bind_address.free_port(HOST)
    origin = f"http://{HOST}:{port}"
    with (
        live_database.in_use(folder, django_db_blocker),
        live_server.running(folder, CORS_ALLOWED_ORIGINS=origin) as api,
        (folder / "spa.log").open("wb") as log,
    ):
        command: list[str | Path] = [sys.executable, _SERVE, "--api", f"http://{HOST}:{api.port}", "--port", str(port)]
        process = processes.start(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            processes.wait_until(
                lambda: bind_address.answers(HOST, port, "/"), process, log=folder / "spa.log", seconds=10
            )
            yield origin
        finally:
            processes.stop(process, grace=1)


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def context(request: pytest.FixtureRequest, chromium: Browser, spa: str) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": request.param, "height": 844}, base_url=spa)
    context.set_default_timeout(15_000)
    faults: list[str] = []
    context.on("weberror", lambda event: faults.append(str(event.error)))
    context.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
    yield context
    context.close()
    assert faults == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("transport", ["cookie", "body"])
def test_a_user_signs_up_and_works_in_three_tabs(context: BrowserContext, transport: str) -> None:
    name, page = f"u{new_id().hex[-20:]}", context.new_page()
    _sign_up(page, name)
    _sign_in(page, name, transport)
    tabs = [page, context.new_page(), context.new_page()]
    for tab in tabs[1:]:
        tab.goto("/")
    _expect_account(tabs, name)

    refreshes = _reload_all_without_access_token(context, tabs, transport)
    _expect_account(tabs, name)
    assert 1 <= len(refreshes) <= len(tabs)
    assert set(refreshes) == {200}

    page.click("#log-out")
    for tab in tabs:
        expect(tab.locator("#identifier")).to_be_visible()
    expect(tabs[1].locator("#status")).to_have_text("You were signed out in another tab.")
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("transport", ["cookie", "body"])
def test_a_user_adds_a_second_factor_and_signs_in_with_it(context: BrowserContext, transport: str) -> None:
    name, page = f"u{new_id().hex[-20:]}", context.new_page()
    _sign_up(page, name)
    _sign_in(page, name, transport)
    recovery_code = _add_second_factor(page)
    page.click("#log-out")
    expect(page.locator("#status")).to_have_text("You are signed out.")

    _sign_in(page, name, transport)
    assert_fits(page)
    _submit(page, {"#factor": "AAAAA-AAAAA"})
    expect(page.locator("#status")).to_contain_text("The code is incorrect")
    expect(page.locator("#profile")).to_be_hidden()

    _submit(page, {"#factor": recovery_code})
    _expect_account([page], name)
    page.click("#log-out-all")
    expect(page.locator("#status")).to_have_text("You are signed out everywhere.")


def test_errors_are_shown_beside_their_fields(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    page.click("text=Register")
    _submit(page, {"#new-email": "eve@example.com", "#new-username": "e", "#new-password": PASSWORD})

    field = page.locator("#new-username")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.locator("#new-username-fault")).to_contain_text("3 characters")
    expect(page.locator(".error")).to_have_count(1)
    assert_fits(page)


def _sign_up(page: Page, name: str) -> None:
    """Use only the keyboard."""
    page.goto("/")
    assert_fits(page)
    tab_to(page, "[data-show=register]")
    page.keyboard.press("Enter")
    for field, text in (("email", f"{name}@example.com"), ("username", name), ("password", PASSWORD)):
        tab_to(page, f"#new-{field}")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.locator("#sent-to")).to_have_text(f"{name}@example.com")
    deliver_due()
    _submit(page, {"#email-code": code_in(next(sent for sent in mail.outbox if f"{name}@example.com" in sent.to))})
    expect(page.locator("#status")).to_contain_text("verified")


def _sign_in(page: Page, name: str, transport: str) -> None:
    page.check(f"[value={transport}]")
    _submit(page, {"#identifier": name, "#password": PASSWORD})
    expect(page.locator("#reload, #factor").locator("visible=true")).to_be_visible()


def _submit(page: Page, fields: dict[str, str]) -> None:
    for field, text in fields.items():
        page.fill(field, text)
    page.keyboard.press("Enter")


def _expect_account(tabs: list[Page], name: str) -> None:
    for tab in tabs:
        expect(tab.locator("#profile")).to_contain_text(name)
        expect(tab.locator("#reload")).to_be_enabled()
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
    expect(tabs[0].locator("#reload")).to_be_enabled()
    tabs[0].wait_for_function("!JSON.parse(localStorage.getItem('vestibule.session')).access?.startsWith('nonsense')")
    return refreshes


def _is_refresh(sent: Request) -> bool:
    return sent.method == "POST" and sent.url.endswith("/refresh")


def _add_second_factor(page: Page) -> str:
    """Return a recovery code."""
    page.click("#add-factor")
    expect(page.locator("#qr")).to_be_visible()
    assert page.evaluate("document.querySelector('#qr').decode().then(() => true)")
    assert_fits(page)
    _submit(page, {"#first-code": pyotp.TOTP(page.inner_text("#factor-secret")).now()})
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    return page.locator("#recovery-codes li").first.inner_text()
