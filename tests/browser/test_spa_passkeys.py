"""Passkeys in the example: autofill, the offer after a sign-in, the second factor, and the browser's password manager."""

import pytest
from playwright.sync_api import expect

from accounts.testing.api_client import PASSWORD
from tests.browser.authenticator import Device
from tests.browser.keyboard import assert_fits, enter, press
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_passkey_added_from_the_offer_is_suggested_in_the_sign_in_field(visitor: Visitor) -> None:
    page, phone = visitor.page, _with_passkey(visitor)
    press(page, "#log-out")
    expect(page.locator("#use-passkey")).to_be_visible()

    with phone.unlocked():
        visitor.open()
        visitor.expect_account()

    expect(page.locator("#passkey-offer")).to_be_hidden()
    assert phone.passkeys()[0]["signCount"] >= 1


def test_a_pending_suggestion_gives_way_to_the_button_and_to_the_password(visitor: Visitor) -> None:
    page, phone = visitor.page, _with_passkey(visitor)
    press(page, "#log-out")
    visitor.wait_for_suggestions()

    with phone.unlocked():
        press(page, "#use-passkey")
        visitor.expect_account()

    press(page, "#log-out")
    visitor.sign_in_with_password()
    expect(page.locator("#factor-passkey")).to_be_visible()


def test_a_passkey_is_the_second_factor_after_a_password(visitor: Visitor) -> None:
    page, phone = visitor.page, _with_passkey(visitor)
    press(page, "#log-out")
    visitor.sign_in_with_password()
    assert_fits(page)

    with phone.unlocked():
        press(page, "#factor-passkey")
        visitor.expect_account()


def test_recovery_codes_are_shown_once_to_copy_and_to_download(visitor: Visitor) -> None:
    page, phone = visitor.page, visitor.devices.add()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.sign_in_with_password()
    with phone.unlocked():
        press(page, "#offer-accept")
        press(page, "#copy-codes")
    expect(page.locator("#recovery .status.good")).to_be_visible()
    with page.expect_download() as download:
        press(page, "#download-codes")

    saved = download.value.path().read_text()
    assert saved.splitlines() == page.locator("#recovery-codes li").all_inner_texts()
    assert page.evaluate("navigator.clipboard.readText()") == saved.strip()
    press(page, "#codes-kept")
    expect(page.locator("#recovery-codes li")).to_have_count(0)


def test_a_recovery_code_replaces_a_lost_passkey_once(visitor: Visitor) -> None:
    page, phone = visitor.page, visitor.devices.add()
    code = _add_from_offer(visitor, phone)[0]
    phone.lose()
    for status in (200, 400):
        press(page, "#log-out")
        visitor.sign_in_with_password()
        with page.expect_response("**/mfa/verify") as response:
            enter(page, {"#factor": code})
        assert response.value.status == status
        if status == 200:
            visitor.expect_account()

    expect(page.locator("#status.bad")).to_be_visible()
    expect(page.locator("#profile")).to_be_hidden()


def test_the_browser_forgets_a_passkey_that_was_removed_elsewhere(visitor: Visitor) -> None:
    page, phone = visitor.page, _with_passkey(visitor)
    press(page, "#log-out")
    visitor.wait_for_suggestions()
    visitor.remove_passkeys_elsewhere()

    with phone.unlocked():
        press(page, "#use-passkey")
        expect(page.locator("#status.bad")).to_be_visible()

    assert phone.passkeys() == []
    expect(page.locator("#profile")).to_be_hidden()


def test_a_passkey_is_renamed_and_removed_by_the_keyboard(visitor: Visitor) -> None:
    page, phone = visitor.page, _with_passkey(visitor)
    press(page, "#passkeys li button:first-of-type")
    enter(page, {"#ask-field": "My phone"})
    expect(page.locator("#passkeys li strong")).to_have_text("My phone")

    press(page, "#passkeys li button:last-of-type")
    page.keyboard.press("Escape")
    expect(page.locator("#passkeys li button:last-of-type")).to_be_focused()
    expect(page.locator("#passkeys li")).to_have_count(1)

    press(page, "#passkeys li button:last-of-type")
    press(page, "#ask-action")
    expect(page.locator("#no-passkeys")).to_be_visible()
    expect(page.locator("#factor-is-off")).to_be_visible()
    assert phone.passkeys() == []


def test_a_sign_up_that_is_rejected_leaves_no_passkey_behind(newcomer: Visitor) -> None:
    page, phone = newcomer.page, newcomer.devices.add()
    taken = newcomer.example.sign_up()
    press(page, "[data-show=register]")
    newcomer.type_into("#new-email", newcomer.email)
    newcomer.type_into("#new-username", taken)

    with phone.unlocked():
        press(page, "#register-passkey")
        expect(page.locator("#new-username-fault")).to_be_visible()
    expect(page.locator("#new-username")).to_be_focused()
    assert phone.passkeys() == []

    newcomer.type_into("#new-username", newcomer.name)
    with phone.unlocked():
        press(page, "#register-passkey")
        expect(page.locator("#sent-to")).to_have_text(newcomer.email)
    assert [passkey["rpId"] for passkey in phone.passkeys()] == ["localhost"]


def _with_passkey(visitor: Visitor) -> Device:
    """Sign in, and add a passkey of a new device from the offer."""
    phone = visitor.devices.add()
    _add_from_offer(visitor, phone)
    return phone


def _add_from_offer(visitor: Visitor, phone: Device) -> list[str]:
    """Return the recovery codes."""
    visitor.sign_in_with_password(PASSWORD)
    with phone.unlocked():
        press(visitor.page, "#offer-accept")
        codes = visitor.keep_recovery_codes()
    expect(visitor.page.locator("#passkeys li")).to_have_count(1)
    return codes
