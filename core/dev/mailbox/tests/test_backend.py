"""The parts of an email that the development mailbox stores."""

import re
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from pytest_django import Settings

from core.dev.mailbox import storage

BACKEND = "core.dev.mailbox.backend.EmailBackend"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MAILBOX_DIR = tmp_path / "mailbox"
    return tmp_path / "mailbox"


def send(*, to: list[str], subject: str = "Hello", cc: list[str] | None = None) -> int:
    message = EmailMultiAlternatives(subject, "Bonjour à tous", to=to, cc=cc, connection=get_connection(BACKEND))
    message.attach_alternative("<p>Bonjour à tous</p>", "text/html")
    return message.send()


def test_a_message_is_kept_with_bare_addresses() -> None:
    sent = send(to=["Alice Doe <Alice@Example.com>"], cc=["bob@example.com"])

    [kept] = storage.newest_first()
    assert sent == 1
    assert kept["to"] == ["Alice@Example.com", "bob@example.com"]
    assert (kept["subject"], kept["text"], kept["html"]) == ("Hello", "Bonjour à tous", "<p>Bonjour à tous</p>")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", kept["sentAt"])


def test_a_message_without_html_is_kept_too() -> None:
    EmailMessage("Hello", "Plain", to=["alice@example.com"], connection=get_connection(BACKEND)).send()

    [kept] = storage.newest_first()
    assert (kept["text"], kept["html"]) == ("Plain", "")


def test_the_newest_comes_first() -> None:
    for subject in ("one", "two", "three"):
        send(to=["alice@example.com"], subject=subject)

    assert [kept["subject"] for kept in storage.newest_first()] == ["three", "two", "one"]


def test_the_oldest_give_way() -> None:
    with patch.object(storage, "MAX_MESSAGES", 2):
        for subject in ("one", "two", "three"):
            send(to=["alice@example.com"], subject=subject)

    assert [kept["subject"] for kept in storage.newest_first()] == ["three", "two"]


def test_a_message_is_found_by_its_id() -> None:
    send(to=["alice@example.com"])

    [kept] = storage.newest_first()
    assert storage.find(kept["id"]) == kept


@pytest.mark.parametrize("message_id", ["", "../secrets", "00000000000000000000-00000000", "x" * 29])
def test_another_id_finds_nothing(message_id: str) -> None:
    assert storage.find(message_id) is None


def test_a_half_written_message_is_not_listed(folder: Path) -> None:
    folder.mkdir()
    (folder / ".00000000000000000000-00000000.draft").write_text('{"id": "00')

    assert list(storage.newest_first()) == []


def test_only_the_owner_may_read_the_messages(folder: Path) -> None:
    send(to=["alice@example.com"])

    [file] = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_an_error_unless_it_is_to_be_silent(folder: Path) -> None:
    folder.write_text("in the way")
    message = EmailMessage("Hello", "Plain", to=["alice@example.com"])

    assert get_connection(BACKEND, fail_silently=True).send_messages([message]) == 0
    with pytest.raises(FileExistsError):
        get_connection(BACKEND).send_messages([message])
