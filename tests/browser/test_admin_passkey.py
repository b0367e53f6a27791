"""The second step of the admin's login by passkey, with a virtual authenticator of Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from accounts.testing.api_client import PASSWORD
from core.ids import new_id
from core.testing.live_server import LiveServer
from tests.browser.authenticator import Device, Devices
from tests.browser.keyboard import assert_fits, enter, press
from tests.browser.stored_passkeys import give_passkey

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium: Browser, server: LiveServer) -> Iterator[Page]:
    """A phone at localhost: browsers allow no passkeys for an IP."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, base_url=f"http://localhost:{server.port}")
    yield context.new_page()
    context.close()


@pytest.fixture
def devices(page: Page) -> Devices:
    return Devices(page)


@pytest.fixture
def supporter(devices: Devices) -> tuple[User, Device]:
    """A superuser with a password, and a passkey on a device."""
    name = f"p{new_id().hex[-20:]}"
    user = User.objects.create_superuser(name, f"{name}@example.com", PASSWORD)
    device = devices.add()
    give_passkey(user, device)
    return user, device


def test_a_passkey_completes_the_login_by_keyboard(page: Page, supporter: tuple[User, Device]) -> None:
    user, device = supporter
    page.goto("/admin/")
    enter(page, {"#id_username": user.username, "#id_password": PASSWORD})
    expect(page.locator("#id_code")).to_be_focused()
    assert_fits(page)

    with device.unlocked():
        press(page, "#passkey-prompt button")
        expect(page).to_have_url("/admin/")

    assert user.passkeys.exclude(last_used_at=None).exists()


def test_without_the_passkey_the_page_names_the_recovery_code(
    page: Page, devices: Devices, supporter: tuple[User, Device]
) -> None:
    user, device = supporter
    page.goto("/admin/")
    enter(page, {"#id_username": user.username, "#id_password": PASSWORD})
    device.lose()

    with devices.add().unlocked():
        press(page, "#passkey-prompt button")

    expect(page.get_by_role("alert")).to_contain_text("enter a recovery code")
    expect(page.locator("#passkey-prompt button")).to_be_enabled()
    assert_fits(page)
