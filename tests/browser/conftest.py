"""A real browser and a real server. Without Chromium the tests fail: skipped tests would go unnoticed."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import DjangoDbBlocker

from core.ids import new_id
from core.testing import live_database, live_server
from core.testing.live_server import HOST, LiveServer
from tests.browser import example as spa
from tests.browser.example import Example
from tests.browser.visitor import Visitor

RECOVERY_SECONDS = 10


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The driver runs an event loop in this thread, in which Django refuses database access without the variable."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is not installed; these tests need it: apt-get install chromium, or CHROMIUM=/path")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as driver:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[LiveServer]:
    """Started after the browser, whose event loop gives this thread another set of database connections."""
    folder = tmp_path_factory.mktemp("browser")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, server: LiveServer) -> Iterator[Page]:
    """A page whose console shows a violation of its Content-Security-Policy fails the test."""
    errors: list[str] = []
    address = f"http://{HOST}:{server.port}"
    context = chromium.new_context(viewport={"width": request.param, "height": 844}, base_url=address)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda sent: None if sent.url.startswith((address, "data:")) else errors.append(sent.url))
    yield page
    context.close()
    assert errors == []


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with spa.running(tmp_path_factory.mktemp("example"), RECOVERY_DELAY=f"{RECOVERY_SECONDS}s") as running:
        yield running


@pytest.fixture(params=[("en-US", 1280), ("fr-CA", 390)], ids=["english-desktop", "french-phone"])
def context(request: pytest.FixtureRequest, chromium: Browser, example: Example) -> Iterator[BrowserContext]:
    """A browser whose console shows a violation of the Content-Security-Policy, or an unhandled error, fails the test."""
    locale, width = request.param
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": width, "height": 844}, base_url=example.origin, locale=locale)
    context.set_default_timeout(15_000)
    context.on("weberror", lambda event: errors.append(str(event.error)))
    context.on("console", lambda line: errors.append(line.text) if "Content Security" in line.text else None)
    yield context
    context.close()
    assert errors == []


@pytest.fixture
def newcomer(context: BrowserContext, example: Example) -> Visitor:
    """A visitor without an account, who has opened the example."""
    visitor = Visitor(context.new_page(), example, f"u{new_id().hex[-20:]}")
    visitor.open()
    return visitor


@pytest.fixture
def visitor(context: BrowserContext, example: Example) -> Visitor:
    """A visitor with an account and a password, who has opened the example and is signed out."""
    visitor = Visitor(context.new_page(), example, example.sign_up())
    visitor.open()
    return visitor
