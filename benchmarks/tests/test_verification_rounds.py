"""A small run of what `make bench-scale` does twenty thousand times: a valid code is never rejected."""

from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from accounts.testing import mail_server
from benchmarks.scale.verification import Database, Rounds, Variant, code_in, cpu_load
from core.testing import live_database, live_server
from tests.faults import worker_fleet

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]


@pytest.fixture
def rounds(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Rounds]:
    """Two web processes and two workers, and a busy process per core."""
    with ExitStack() as running:
        running.enter_context(live_database.in_use(tmp_path, django_db_blocker))
        server = running.enter_context(live_server.running(tmp_path))
        mailbox = running.enter_context(mail_server.listening())
        fleet = running.enter_context(worker_fleet.running(tmp_path, mailbox.url))
        running.enter_context(cpu_load(2))
        fleet.worker()
        fleet.worker(beat=False)
        yield Rounds(server.port, mailbox, Database(live_database.current_url()))


def test_no_valid_code_is_rejected_under_load(rounds: Rounds) -> None:
    count = 300 if connection.vendor == "postgresql" else 100

    rejections = rounds.run(count=count, clients=8)

    assert [rejection.as_json() for rejection in rejections] == []


def test_rejection_keeps_the_rows_and_the_message_that_explain_it(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.scale.verification.code_in", _wrong_code_in)

    [rejection] = rounds.run(count=1, clients=1)

    assert rejection.variant == Variant.PLAIN
    assert "/verify-email returned 400 instead of 200" in rejection.problem
    assert [row["state"] for row in rejection.rows["emails"]] == ["sent"]
    assert [row["invalidated_at"] for row in rejection.rows["secrets"]] == ["None"]
    assert rejection.rows["emails"][0]["id"].replace("-", "") in rejection.messages[0].replace("-", "")


def _wrong_code_in(text: str) -> str:
    return f"{(int(code_in(text)) + 1) % 1_000_000:06d}"


def test_six_digits_in_a_link_or_an_id_are_not_the_code() -> None:
    message = EmailMessage()
    message.set_content("Hello w123456\n\n000042\n\nhttps://app.example.com/verify-email?token=-123456-&email=1\n")

    assert code_in(str(message.get_content())) == "000042"
