"""An index for case-insensitive prefix searches: Django's `istartswith`."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models.functions import Upper


class PrefixIndex(models.Index):
    """Uses `text_pattern_ops` on PostgreSQL, which supports prefixes in any locale; elsewhere the plain expression."""

    def __init__(self, column: str, *, name: str) -> None:
        super().__init__(Upper(column), name=name)
        self.column = column

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        return "core.db.prefix_index.PrefixIndex", (self.column,), {"name": self.name}

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        statement = super().create_sql(model, schema_editor, using, **kwargs)
        if schema_editor.connection.vendor == "postgresql":
            parts: dict[str, Any] = statement.parts
            parts["columns"] = f"{parts['columns']} text_pattern_ops"
        return statement
