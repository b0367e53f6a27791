"""Presenters build the responses that their shapes declare."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest
from rest_framework import serializers

from core.api.shapes import Shape, presenter


class Book(Shape):
    id = serializers.UUIDField()
    title = serializers.CharField()
    soldAt = serializers.DateTimeField(source="sold_at", allow_null=True)


class Shelf(Shape):
    books = Book(many=True)


def test_a_presenter_reads_each_field_from_its_source_in_the_declared_order() -> None:
    book = SimpleNamespace(id=UUID(int=7), title="Emma", sold_at=datetime(2026, 1, 15, 9, 30, tzinfo=UTC))

    data = presenter(Book)(book)

    assert list(data.items()) == [
        ("id", "00000000-0000-0000-0000-000000000007"),
        ("title", "Emma"),
        ("soldAt", "2026-01-15T09:30:00.000Z"),
    ]


def test_a_nullable_field_may_be_none() -> None:
    book = SimpleNamespace(id=UUID(int=7), title="Emma", sold_at=None)

    assert presenter(Book)(book)["soldAt"] is None


def test_a_nested_shape_is_rejected_at_the_start() -> None:
    with pytest.raises(TypeError, match="books is a nested shape"):
        presenter(Shelf)


def test_a_computed_field_keeps_its_declared_position() -> None:
    book = SimpleNamespace(id=UUID(int=7), sold_at=None)

    data = presenter(Book, computed={"title"})(book)

    assert list(data.items()) == [("id", "00000000-0000-0000-0000-000000000007"), ("title", None), ("soldAt", None)]
