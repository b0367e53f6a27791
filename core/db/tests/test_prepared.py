"""Statements compiled once: the same rows as the ORM's, run after run, with the values of each run."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, DateTimeField, F, UUIDField, Value
from django.db.models.functions import Concat, Upper
from django.db.transaction import TransactionManagementError

from core.db.prepared import Given, PreparedSelect, PreparedUpdate, in_order
from core.ids import new_id
from sessions_tracking.models import Session

pytestmark = pytest.mark.django_db
FIELDS = ("id", "name", "data", "ip", "second_factor", "last_seen_at", "rotated_at")
NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def rows(django_user_model: Any) -> list[Session]:
    user = django_user_model.objects.create_user("alice", "alice@example.com", "x")
    return [
        Session.objects.create(
            user=user, name=name, data={"é": [1, None]}, ip="192.0.2.7", device="Desktop", browser="b", os="o", platform="p",
            location="l", created_at=NOON, updated_at=NOON, last_seen_at=NOON + timedelta(hours=hour), expires_at=NOON,
            absolute_expires_at=NOON, refresh_issued_at=NOON,
        )
        for hour, name in enumerate(("one", "two", "100 %"))
    ]  # fmt: skip


def _seen_since() -> PreparedSelect:
    since = Given("since", DateTimeField())
    return PreparedSelect(lambda: Session.objects.filter(last_seen_at__gte=since).order_by("id").values_list(*FIELDS))


def _rename() -> PreparedUpdate:
    return PreparedUpdate(
        lambda: Session.objects.filter(id=Given("id", UUIDField()), name="one"),
        changes=lambda: {"name": Concat(F("name"), Value(" %s "), Given("more", CharField()))},
        returning=lambda: [F("id"), F("data"), F("last_seen_at"), Upper("name")],
    )


def _as_tuples(found: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in found]


def test_each_run_has_its_own_values_and_the_rows_of_the_orm(rows: list[Session]) -> None:
    statement = _seen_since()

    for hours in (0, 1, 2, 3):
        since = NOON + timedelta(hours=hours)
        usual = Session.objects.filter(last_seen_at__gte=since).order_by("id").values_list(*FIELDS)
        found = _as_tuples(statement.rows(since=since))
        assert found == list(usual)
        assert len(found) == max(0, 3 - hours)


def test_it_is_compiled_once(rows: list[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    statement = _seen_since()
    statement.rows(since=NOON)

    monkeypatch.setattr(statement, "_compile", lambda: pytest.fail("compiled again"))

    assert len(statement.rows(since=NOON)) == 3


def test_an_update_yields_the_row_as_it_is_afterwards(rows: list[Session]) -> None:
    found = _rename().rows(id=rows[0].id, more="o'clock")

    assert _as_tuples(found) == [(rows[0].id, {"é": [1, None]}, rows[0].last_seen_at, "ONE %S O'CLOCK")]
    assert sorted(Session.objects.values_list("name", flat=True)) == ["100 %", "one %s o'clock", "two"]


def test_an_update_that_finds_no_row_changes_nothing(rows: list[Session]) -> None:
    statement = _rename()

    assert statement.rows(id=rows[1].id, more="x") == statement.rows(id=new_id(), more="x") == []
    assert sorted(Session.objects.values_list("name", flat=True)) == ["100 %", "one", "two"]


def test_after_an_update_that_failed_the_block_around_it_takes_no_statement(rows: list[Session]) -> None:
    statement = PreparedUpdate(
        lambda: Session.objects.filter(id=Given("id", UUIDField())),
        changes=lambda: {"name": Given("name", CharField())},
        returning=lambda: [F("id")],
    )

    with pytest.raises(TransactionManagementError), transaction.atomic():
        with pytest.raises(IntegrityError):
            statement.rows(id=rows[0].id, name=None)
        Session.objects.update(name="after all")

    assert not Session.objects.filter(name="after all").exists()


@pytest.mark.parametrize("hostile", ["'; DROP TABLE x; --", "%s", "$1", "\\", "\u2028"])
def test_a_value_is_never_part_of_the_statement(rows: list[Session], hostile: str) -> None:
    _rename().rows(id=rows[0].id, more=hostile)

    assert Session.objects.get(id=rows[0].id).name == f"one %s {hostile}"


def test_a_run_without_one_of_its_values_fails(rows: list[Session]) -> None:
    with pytest.raises(KeyError, match="since"):
        _seen_since().rows()


def test_fields_come_in_the_order_of_the_model() -> None:
    assert in_order(Session, {"name", "id", "ip"}) == ("id", "name", "ip")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps what it has parsed to itself")
def test_the_server_plans_it_once_for_each_connection(rows: list[Session]) -> None:
    text = f"SELECT '{uuid.uuid4()}'"
    with connection.prepared_cursor() as cursor:  # type: ignore[attr-defined]
        for _ in range(3):
            cursor.execute(text)
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [text])
        assert cursor.fetchone() == (1,)
