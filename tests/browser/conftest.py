"""A real browser and a real server. Without Chromium the tests fail: skipped tests would go unnoticed."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django import DjangoDbBlocker

from core.testing import live_database, live_server
from core.testing.live_server import HOST, LiveServer


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
