"""Queries that are compiled once return the rows of the ORM for the values of each run."""

import uuid
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, DateTimeField, F, UUIDField, Value
from django.db.models.functions import Concat, Upper
from django.db.transaction import TransactionManagementError

from core.db.prepared import Param, PreparedSelect, PreparedUpdate
from core.db.prepared_rows import Fields, Instances, Joined, columns_in_model_order
from core.ids import new_id
from sessions_tracking.models import Session

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Seen:
    id: uuid.UUID
    name: str
    data: Any
    ip: str | None
    persistent: bool
    last_seen_at: datetime
    rotated_at: datetime | None


FIELDS = tuple(Seen.__dataclass_fields__)
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


def _seen_since() -> PreparedSelect[Seen]:
    since = Param("since", DateTimeField())
    return PreparedSelect(
        lambda: Session.objects.filter(last_seen_at__gte=since).order_by("id"), returning=lambda: Fields(Seen)
    )


@dataclass(frozen=True)
class Renamed:
    session: Session
    in_capitals: Session


def _rename() -> PreparedUpdate[Renamed]:
    return PreparedUpdate(
        lambda: Session.objects.filter(id=Param("id", UUIDField()), name="one"),
        changes=lambda: {"name": Concat(F("name"), Value(" %s "), Param("more", CharField()))},
        returning=lambda: Joined(
            Renamed,
            session=Instances(Session, {"id", "data", "last_seen_at"}),
            in_capitals=Instances(Session, {"name"}, lookup=Upper),
        ),
    )


def test_each_run_binds_its_own_values_and_returns_the_rows_of_the_orm(rows: list[Session]) -> None:
    statement = _seen_since()

    for hours in (0, 1, 2, 3):
        since = NOON + timedelta(hours=hours)
        by_the_orm = Session.objects.filter(last_seen_at__gte=since).order_by("id").values_list(*FIELDS)
        rows_seen = statement.fetch_all(since=since)
        assert [astuple(row) for row in rows_seen] == list(by_the_orm)
        assert len(rows_seen) == max(0, 3 - hours)


def test_a_prepared_query_is_compiled_once(rows: list[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    statement = _seen_since()
    statement.fetch_all(since=NOON)

    monkeypatch.setattr(statement, "_compile", lambda: pytest.fail("compiled again"))

    assert len(statement.fetch_all(since=NOON)) == 3


def test_an_update_returns_the_updated_row(rows: list[Session]) -> None:
    [renamed] = _rename().fetch_all(id=rows[0].id, more="o'clock")

    session = renamed.session
    assert (session.id, session.data, session.last_seen_at) == (rows[0].id, {"é": [1, None]}, rows[0].last_seen_at)
    assert renamed.in_capitals.name == "ONE %S O'CLOCK"
    assert sorted(Session.objects.values_list("name", flat=True)) == ["100 %", "one %s o'clock", "two"]


def test_an_update_that_finds_no_row_changes_nothing(rows: list[Session]) -> None:
    statement = _rename()

    assert statement.fetch_first(id=rows[1].id, more="x") is None
    assert statement.fetch_all(id=new_id(), more="x") == []
    assert sorted(Session.objects.values_list("name", flat=True)) == ["100 %", "one", "two"]


def test_a_failed_update_breaks_the_surrounding_transaction(rows: list[Session]) -> None:
    statement = PreparedUpdate(
        lambda: Session.objects.filter(id=Param("id", UUIDField())),
        changes=lambda: {"name": Param("name", CharField())},
        returning=lambda: Instances(Session, {"id"}),
    )

    with pytest.raises(TransactionManagementError), transaction.atomic():
        with pytest.raises(IntegrityError):
            statement.fetch_all(id=rows[0].id, name=None)
        Session.objects.update(name="after all")

    assert not Session.objects.filter(name="after all").exists()


@pytest.mark.parametrize("hostile", ["'; DROP TABLE x; --", "%s", "$1", "\\", "\u2028"])
def test_a_value_is_never_part_of_the_statement(rows: list[Session], hostile: str) -> None:
    _rename().fetch_all(id=rows[0].id, more=hostile)

    assert Session.objects.get(id=rows[0].id).name == f"one %s {hostile}"


def test_a_run_with_a_missing_value_fails(rows: list[Session]) -> None:
    with pytest.raises(KeyError, match="since"):
        _seen_since().fetch_all()


def test_columns_are_in_the_order_of_the_model() -> None:
    assert columns_in_model_order(Session, {"name", "id", "ip"}) == ("id", "name", "ip")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps what it has parsed to itself")
def test_the_server_prepares_the_statement_once_per_connection(rows: list[Session]) -> None:
    text = f"SELECT '{uuid.uuid4()}'"
    with connection.prepared_cursor() as cursor:  # type: ignore[attr-defined]
        for _ in range(3):
            cursor.execute(text)
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [text])
        assert cursor.fetchone() == (1,)
