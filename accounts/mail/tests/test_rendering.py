"""The content of every email, in text and in HTML."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from accounts.mail.rendering import render

SITE = {"product_name": "Vestibule", "public_url": "https://auth.example.com"}
EVENT = {"happened_at": datetime(2026, 3, 9, 14, 5, tzinfo=UTC), "ip": "203.0.113.7", "device": "Chrome, Windows"}
LINK = "https://auth.example.com/verify-email?token=a1b2&email=alice%40example.com"
VERIFY = {"code": "482913", "link": LINK, "code_minutes": 15, "link_hours": 24}
UNDO = "https://auth.example.com/undo-email-change?token=a1b2"
CHANGE = {"new_email": "alice@example.org", "link": UNDO, "hours": 72}
RECOVERY = {
    "available_at": datetime(2026, 3, 10, 14, 5, tzinfo=UTC),
    "link": "https://auth.example.com/recovery?token=a1b2",
    "stop_link": "https://auth.example.com/recovery/stop?token=a1b2",
    "days": 7,
}
CONTEXTS: dict[str, dict[str, object]] = {
    "verify_email": {**VERIFY},
    "welcome": {"first_name": "Alice", "username": "alice"},
    "reset_password": {"link": "https://auth.example.com/reset-password?token=a1b2", "minutes": 60},
    "invitation": {
        "link": "https://auth.example.com/reset-password?token=a1b2",
        "minutes": 60,
        "first_name": "Alice",
        "username": "alice",
    },
    "password_changed": {**EVENT},
    "new_device": {**EVENT, "location": "Lyon, France"},
    "refresh_token_reused": {**EVENT},
    "mfa_enabled": {**EVENT, "is_first": True},
    "mfa_disabled": {**EVENT, "is_last": True},
    "recovery_code_used": {**EVENT, "codes_left": 9},
    "recovery_begun": {**EVENT, **RECOVERY},
    "recovery_stopped": {**EVENT},
    "recovery_completed": {**EVENT},
    "login_code": {**EVENT, "code": "482913", "link": "https://auth.example.com/login-code?token=a1b2", "minutes": 10},
    "reauthentication_code": {**EVENT, "code": "482913", "minutes": 10},
    "account_deleted": {"happened_at": EVENT["happened_at"], "username": "alice"},
    "email_change_code": {"code": "482913", "code_minutes": 15},
    "email_change_requested": {**EVENT, **CHANGE},
    "email_changed": {**EVENT, **CHANGE},
    "email_changed_by_admin": {"happened_at": EVENT["happened_at"], "username": "alice"},
    "address_already_used": {},
    "address_already_registered": {"reset_url": "https://auth.example.com/reset-password"},
}
every_kind = pytest.mark.parametrize("kind", CONTEXTS)


def render_html(kind: str, **changes: object) -> str:
    return render(kind=kind, language="en", context=SITE | CONTEXTS[kind] | changes).html


def render_text(kind: str, **changes: object) -> str:
    return render(kind=kind, language="en", context=SITE | CONTEXTS[kind] | changes).text


@every_kind
def test_the_subject_is_one_line_without_markup_or_secrets(kind: str) -> None:
    subject = render(kind=kind, language="en", context=SITE | CONTEXTS[kind]).subject

    assert subject == subject.strip() != ""
    assert not re.search(r"[\n<>&]|482913|a1b2", subject)


def test_a_line_break_in_a_value_cannot_add_a_header() -> None:
    context = SITE | CONTEXTS["welcome"] | {"product_name": "Vesti\r\nBcc: mallory@example.com"}

    assert render(kind="welcome", language="en", context=context).subject == "Welcome to Vesti Bcc: mallory@example.com"


@every_kind
def test_every_email_gives_its_reason_and_how_to_react(kind: str) -> None:
    for body in (render_text(kind), render_html(kind)):
        assert "You're receiving this email because" in body
        assert re.search(r"If (this wasn't you|you (don't recognize this device|didn't|weren't expecting))", body)


@every_kind
def test_the_html_loads_no_external_resource(kind: str) -> None:
    assert not re.search(r"<(img|link|script|iframe)|\bsrc=|url\(|@import|@font-face", render_html(kind))


@every_kind
def test_the_html_names_its_language_and_has_a_dark_scheme(kind: str) -> None:
    html = render_html(kind)

    assert '<html lang="en">' in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html


@every_kind
def test_the_text_has_no_markup(kind: str) -> None:
    text = render_text(kind)

    assert not re.search(r"<[a-z/]|&amp;|&#|\n{3}", text)


def test_the_html_declares_the_language_of_the_user() -> None:
    assert '<html lang="fr">' in render(kind="welcome", language="fr", context=SITE | CONTEXTS["welcome"]).html


def test_the_code_has_its_own_line() -> None:
    assert "482913" in render_text("verify_email").splitlines()


def test_the_code_is_the_only_number_of_six_digits() -> None:
    for body in (render_text("verify_email"), render_html("verify_email")):
        assert re.findall(r"\d{6,}", body.replace(LINK, "")) == ["482913"]


@pytest.mark.parametrize("kind", ["email_change_requested", "email_changed"])
def test_an_email_change_names_the_new_email_and_the_time_to_undo_it(kind: str) -> None:
    for body in (render_text(kind), render_html(kind)):
        assert "alice@example.org" in body
        assert "72 hours" in body
        assert UNDO in body


@pytest.mark.parametrize("kind", ["email_change_code", "address_already_used"])
def test_an_email_that_may_belong_to_a_stranger_names_no_account(kind: str) -> None:
    person = {"username": "alice", "first_name": "Alice"}

    for body in (render_text(kind, **person), render_html(kind, **person)):
        assert "alice" not in body.lower()


def test_the_lifetimes_of_code_and_link_are_given() -> None:
    text = render_text("verify_email")

    assert "15 minutes" in text
    assert "24 hours" in text
    assert "60 minutes" in render_text("reset_password")


def test_the_link_is_complete_in_text_and_escaped_in_html() -> None:
    assert LINK in render_text("verify_email").splitlines()
    assert f'href="{LINK.replace("&", "&amp;")}"' in render_html("verify_email")


def test_markup_in_a_name_stays_text() -> None:
    assert "Hello &lt;b&gt;O&#x27;Neil&lt;/b&gt;," in render_html("welcome", first_name="<b>O'Neil</b>")
    assert "Hello <b>O'Neil</b>," in render_text("welcome", first_name="<b>O'Neil</b>")


def test_welcome_without_a_first_name() -> None:
    assert render_text("welcome", first_name="").startswith("Hello,\n")
    assert "Hello," in render_html("welcome", first_name="")


@pytest.mark.parametrize("kind", ["password_changed", "new_device", "refresh_token_reused", "account_deleted"])
def test_times_are_shown_in_utc(kind: str) -> None:
    paris = datetime(2026, 3, 9, 15, 5, tzinfo=timezone(timedelta(hours=1)))

    for body in (render_text(kind, happened_at=paris), render_html(kind, happened_at=paris)):
        assert "9 March 2026, 14:05 UTC" in body


@pytest.mark.parametrize("kind", ["password_changed", "new_device", "refresh_token_reused"])
def test_the_device_and_its_ip_are_named(kind: str) -> None:
    for body in (render_text(kind), render_html(kind)):
        assert "Chrome, Windows" in body
        assert "203.0.113.7" in body


def test_an_unknown_location_or_ip_is_left_out() -> None:
    body = render_text("new_device", location="Unknown", ip="")

    assert "Place" not in body
    assert "IP address" not in body


@pytest.mark.parametrize("kind", ["welcome", "password_changed", "new_device", "refresh_token_reused"])
def test_security_notices_link_to_the_password_reset(kind: str) -> None:
    for body in (render_text(kind), render_html(kind)):
        assert "https://auth.example.com/reset-password" in body


def test_the_notice_of_a_repeated_registration_names_no_account() -> None:
    kind, person = "address_already_registered", {"username": "alice", "first_name": "Alice"}

    for body in (render_text(kind, **person), render_html(kind, **person)):
        assert "alice" not in body.lower()
