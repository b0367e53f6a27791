"""Reads the OpenAPI document for its tests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from core.openapi.views import document

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Documented:
    path: str
    method: str
    spec: dict[str, Any] = field(repr=False)

    @property
    def is_protected(self) -> bool:
        return bool(self.spec.get("security")) and {} not in self.spec["security"]

    def contents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the media types of the request (under `request`) and of each response (under its status)."""
        if "requestBody" in self.spec:
            yield "request", self.spec["requestBody"]["content"][JSON]
        for status, response in self.spec["responses"].items():
            yield status, response["content"][JSON]


def operations() -> list[Documented]:
    return [
        Documented(path, method.upper(), spec)
        for path, methods in document()["paths"].items()
        for method, spec in methods.items()
    ]


def operation(operation_id: str) -> Documented:
    return next(documented for documented in operations() if documented.spec["operationId"] == operation_id)


def closed(value: Any) -> Any:
    """Return the schema without additional properties, so that an undocumented field is an error."""
    if isinstance(value, list):
        return [closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "allOf" in value:
        return value | {"unevaluatedProperties": False}
    result = {name: closed(item) if name != "Failure" else item for name, item in value.items()}
    is_open = result.get("type") == "object" and "properties" in result
    return {"additionalProperties": False} | result if is_open else result


@cache
def _components() -> dict[str, Any]:
    return dict(closed(document()["components"]))


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    whole = closed(schema) | {"components": _components()}
    return Draft202012Validator(whole, format_checker=FormatChecker())
