"""A user with only passkeys loses all of them and recovers, by the keyboard alone, in the example and the emails' pages."""

import time

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.authenticator import Device
from tests.browser.conftest import RECOVERY_SECONDS
from tests.browser.keyboard import assert_fits, enter, press
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

NEW = "Another-Horse-8"


@pytest.mark.timeout(240)
def test_a_user_signs_up_replaces_a_passkey_loses_all_and_recovers(newcomer: Visitor) -> None:
    phone = newcomer.devices.add()
    _sign_up(newcomer, phone)
    _sign_in(newcomer, phone)

    key = _step_up_and_add_a_second(newcomer, phone)
    _remove_the_first(newcomer, phone, key)

    phone.lose()
    key.lose()
    _set_a_password(newcomer)
    _start_the_recovery(newcomer)
    _complete_the_recovery(newcomer)

    newcomer.open()
    newcomer.sign_in_with_password(NEW)
    newcomer.expect_account()
    expect(newcomer.page.locator("#no-passkeys")).to_be_visible()
    expect(newcomer.page.locator("#factor-is-off")).to_be_visible()


def _sign_up(visitor: Visitor, phone: Device) -> None:
    page = visitor.page
    press(page, "[data-show=register]")
    for field, text in (("#new-email", visitor.email), ("#new-username", visitor.name)):
        visitor.type_into(field, text)
    assert_fits(page)
    with phone.unlocked():
        press(page, "#register-passkey")
        expect(page.locator("#sent-to")).to_have_text(visitor.email)
    enter(page, {"#email-code": visitor.emailed_code("verify-email")})
    expect(page.locator("#use-passkey")).to_be_visible()


def _sign_in(visitor: Visitor, phone: Device) -> None:
    """The first sign-in with a second factor shows the recovery codes."""
    visitor.wait_for_suggestions()
    with phone.unlocked():
        press(visitor.page, "#use-passkey")
        visitor.keep_recovery_codes()
    visitor.expect_account()
    expect(visitor.page.locator("#passkeys li")).to_have_count(1)


def _step_up_and_add_a_second(visitor: Visitor, phone: Device) -> Device:
    """The request that required the proof is repeated; the phone has a passkey of the account already."""
    page = visitor.page
    visitor.example.let_proofs_age()
    press(page, "#add-passkey")
    with phone.unlocked():
        press(page, "#step-up-passkey")
        expect(page.locator("#step-up")).to_be_hidden()
        expect(page.locator("#status.bad")).to_be_visible()
    expect(page.locator("#add-passkey")).to_be_focused()
    expect(page.locator("#passkeys li")).to_have_count(1)

    key = visitor.devices.add(transport="usb")
    with key.unlocked():
        press(page, "#add-passkey")
        expect(page.locator("#passkeys li")).to_have_count(2)
    expect(page.locator("#passkeys-title")).to_be_focused()
    assert_fits(page)
    return key


def _remove_the_first(visitor: Visitor, phone: Device, key: Device) -> None:
    """The browser's password manager forgets it too. The last way to sign in cannot be removed."""
    page = visitor.page
    press(page, "#passkeys li:last-child button:last-child")
    assert_fits(page)
    press(page, "#ask-action")
    expect(page.locator("#passkeys li")).to_have_count(1)
    expect(page.locator("#passkeys-title")).to_be_focused()
    assert [len(device.passkeys()) for device in (phone, key)] == [0, 1]

    press(page, "#passkeys button:last-of-type")
    press(page, "#ask-action")
    expect(page.locator("#status.bad")).to_be_visible()
    expect(page.locator("#passkeys li")).to_have_count(1)


def _set_a_password(visitor: Visitor) -> None:
    """The link of the email leads to a page of the API."""
    page = visitor.page
    press(page, "#log-out")
    press(page, "#by-email")
    visitor.type_into("#address", visitor.email)
    press(page, "#reset-password")
    expect(page.locator("#status.good")).to_be_visible()
    visitor.open_email("reset-password?")
    visitor.follow_link("/reset-password")
    enter(page, {"#password": NEW, "#repeated": NEW})
    expect(page.locator("#status.good")).to_be_visible()


def _start_the_recovery(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open()
    visitor.sign_in_with_password(NEW)
    press(page, "#lost-factor")
    expect(page.locator("#status.good")).to_be_visible()
    assert_fits(page)


def _complete_the_recovery(visitor: Visitor) -> None:
    """The button of the link's page is refused before the delay ends."""
    page = visitor.page
    visitor.open_email("/recovery?")
    visitor.follow_link("/recovery")
    press(page, "main button")
    expect(page.locator("#status.bad")).to_be_visible()
    time.sleep(RECOVERY_SECONDS)
    press(page, "main button")
    expect(page.locator("#status.good")).to_be_visible()


@pytest.mark.parametrize("how", ["session", "link"])
def test_a_recovery_that_an_attacker_started_is_stopped(visitor: Visitor, chromium: Browser, how: str) -> None:
    page = visitor.page
    visitor.sign_in_with_password()
    with visitor.devices.add().unlocked():
        press(page, "#offer-accept")
        visitor.keep_recovery_codes()
    attacker = visitor.elsewhere(chromium)
    attacker.open()
    attacker.sign_in_with_password()
    press(attacker.page, "#lost-factor")
    expect(attacker.page.locator("#status.good")).to_be_visible()

    if how == "session":
        press(page, "#stop-recovery")
    else:
        visitor.open_email("/recovery/stop?")
        visitor.follow_link("/recovery/stop")
        press(page, "main button")
    expect(page.locator("#status.good")).to_be_visible()

    attacker.open_email("/recovery?")
    attacker.follow_link("/recovery")
    press(attacker.page, "main button")
    expect(attacker.page.locator("#status.bad")).to_be_visible()
    expect(attacker.page.locator("main button")).to_be_hidden()
    attacker.page.context.close()
    visitor.open()
    expect(page.locator("#passkeys li")).to_have_count(1)
