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
        """What stands at each media type, of the request (as `request`) and of each response (as its status)."""
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
    return next(found for found in operations() if found.spec["operationId"] == operation_id)


def closed(value: Any) -> Any:
    """The same with nothing left open: an object may hold no field that its shape does not name."""
    if isinstance(value, list):
        return [closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "allOf" in value:
        return value | {"unevaluatedProperties": False}
    found = {name: closed(item) if name != "Failure" else item for name, item in value.items()}
    is_open = found.get("type") == "object" and "properties" in found
    return {"additionalProperties": False} | found if is_open else found


@cache
def _components() -> dict[str, Any]:
    return dict(closed(document()["components"]))


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    whole = closed(schema) | {"components": _components()}
    return Draft202012Validator(whole, format_checker=FormatChecker())
