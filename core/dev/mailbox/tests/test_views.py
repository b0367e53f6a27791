"""The development mailbox in a browser, and as JSON."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from core.dev.mailbox import storage
from core.dev.mailbox.storage import Message

pytestmark = pytest.mark.urls("core.dev.mailbox.urls")


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.MAILBOX_DIR = tmp_path


def keep(*to: str, subject: str = "Hello", html: str = "<html><head></head><p>Hi</p></html>") -> Message:
    return storage.save(to=list(to), subject=subject, text="Hi <there>", html=html)


def test_the_json_has_exactly_what_is_promised(client: Client) -> None:
    kept = keep("alice@example.com")

    response = client.get("/dev/mailbox/messages")

    assert response.json() == {"messages": [{**kept, "to": "alice@example.com"}]}
    assert "no-store" in response["Cache-Control"]


def test_an_empty_mailbox_is_an_empty_list(client: Client) -> None:
    assert client.get("/dev/mailbox/messages").json() == {"messages": []}


def test_the_filter_ignores_case_and_other_people(client: Client) -> None:
    keep("Alice@Example.com", subject="one")
    keep("bob@example.com")
    keep("alice@example.com", subject="two")

    result = client.get("/dev/mailbox/messages", {"to": "ALICE@example.com"}).json()["messages"]

    assert [message["subject"] for message in result] == ["two", "one"]


def test_a_message_to_several_is_found_by_each(client: Client) -> None:
    keep("alice@example.com", "bob@example.com")

    for address in ("alice@example.com", "bob@example.com"):
        [message] = client.get("/dev/mailbox/messages", {"to": address}).json()["messages"]
        assert message["to"] == address


def test_part_of_an_address_finds_nothing(client: Client) -> None:
    keep("alice@example.com")

    assert client.get("/dev/mailbox/messages", {"to": "lice@example.com"}).json() == {"messages": []}


@pytest.mark.parametrize("path", ["/dev/mailbox", "/dev/mailbox/"])
def test_the_page_lists_the_messages(client: Client, path: str) -> None:
    kept = keep("alice@example.com", subject="<b>Hello</b>")

    html = client.get(path).content.decode()

    assert "&lt;b&gt;Hello&lt;/b&gt;" in html
    assert f'href="/dev/mailbox/{kept["id"]}"' in html


def test_the_page_can_be_filtered(client: Client) -> None:
    keep("bob@example.com", subject="For Bob")

    assert "For Bob" not in client.get("/dev/mailbox", {"to": "alice@example.com"}).content.decode()


def test_the_html_is_shown_in_a_frame_that_runs_no_script(client: Client) -> None:
    kept = keep("alice@example.com", html="<html><head></head><script>alert(1)</script></html>")

    html = client.get(f"/dev/mailbox/{kept['id']}").content.decode()

    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="&lt;html&gt;' in html
    assert "<script>alert" not in html


def test_the_text_is_shown_as_text(client: Client) -> None:
    kept = keep("alice@example.com")

    html = client.get(f"/dev/mailbox/{kept['id']}?text").content.decode()

    assert "Hi &lt;there&gt;" in html
    assert "<iframe" not in html


@pytest.mark.parametrize("message_id", ["nothing", "00000000000000000000-00000000"])
def test_an_unknown_message_is_not_found(client: Client, message_id: str) -> None:
    assert client.get(f"/dev/mailbox/{message_id}").status_code == 404


def test_the_frame_may_have_styles_but_no_script_from_elsewhere(client: Client) -> None:
    policy = client.get("/dev/mailbox")["Content-Security-Policy"]

    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src 'self';" in policy
