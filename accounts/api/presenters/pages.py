"""A page of a list in responses."""

from typing import Any

from rest_framework import serializers

from accounts.services.pagination import Page
from core.api.shapes import Present, Shape


class PageShape(Shape):
    """A subclass adds the rows."""

    count = serializers.IntegerField(min_value=0, help_text="The number of rows on all pages.")
    page = serializers.IntegerField(min_value=1)
    pageSize = serializers.IntegerField(min_value=1)


def page_data(name: str, page: Page[Any], present: Present) -> dict[str, Any]:
    rows = [present(row) for row in page.rows]
    return {name: rows, "count": page.count, "page": page.number, "pageSize": page.size}
