"""Generates the operations of the OpenAPI document from `@documented`, and adds the envelope and the common errors."""

import inspect
from typing import Any, cast

from django.utils.text import slugify
from drf_spectacular.drainage import warn
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework.viewsets import ViewSet

from core.openapi import errors
from core.openapi.operation import BEARER, COOKIE, RATE_LIMIT_HEADERS, Operation, Shape, get_operation

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class EnvelopeSchema(AutoSchema):
    def _operation(self) -> Operation:
        operation = get_operation(self._function())
        if operation is None:
            raise LookupError(self._function())
        return operation

    def _function(self) -> Any:
        return getattr(self.view, cast("ViewSet", self.view).action)

    def is_excluded(self) -> bool:
        """Exclude an undocumented operation with a warning, which fails `make schema` but keeps the document available."""
        is_missing = get_operation(self._function()) is None
        if is_missing:
            warn(f"{self.method} {self.path} lacks @documented")
        return is_missing

    def get_operation_id(self) -> str:
        first, *others = (self._operation().name or self._function().__name__).split("_")
        return first + "".join(word.title() for word in others)

    def get_summary(self) -> str:
        return self._operation().summary

    def get_description(self) -> str:  # type: ignore[override]  # as the library does
        return inspect.getdoc(self._function()) or ""

    def get_tags(self) -> list[str]:
        return [self._operation().tag]

    def get_auth(self) -> list[dict[str, list[str]]]:
        schemes = self._operation().security
        if schemes is None:
            schemes = (BEARER, COOKIE) if errors.is_protected(self.view) else ()
        return [{scheme: []} if scheme else {} for scheme in schemes]

    def get_filter_backends(self) -> list[Any]:
        return []

    def get_override_parameters(self) -> list[Any]:
        query = self._operation().query
        return [query] if query else []

    def _get_parameters(self) -> list[dict[str, Any]]:
        in_query = self._process_override_parameters().values()  # type: ignore[no-untyped-call]
        return [*(dict(parameter) for parameter in self._operation().parameters), *in_query]

    def _get_request_body(self, direction: Direction = "request") -> dict[str, Any] | None:
        """Return the body of DELETE requests too, which the library would omit."""
        operation = self._operation()
        if operation.request is None:
            return None
        schema = self.resolve_serializer(operation.request, direction).ref
        required = any(field.required for field in operation.request().fields.values())
        media_types = (FORM, JSON) if operation.is_oauth else (JSON,)
        content = {"schema": schema, "examples": _samples(operation.requests)}
        return {"content": dict.fromkeys(media_types, content), "required": required}

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        operation = self._operation()
        success = {str(int(operation.status)): self._success(operation)}
        return success | errors.failures(self.view, self.method, operation)

    def _success(self, operation: Operation) -> dict[str, Any]:
        headers = _headers(operation, is_limited=errors.is_limited(self.view, self.method, operation))
        if operation.is_bare and operation.data is not None:
            content = {"schema": self._data(operation.data), "examples": _samples(operation.responses)}
            return {"description": "OK", "headers": headers, "content": {JSON: content}}
        envelope: dict[str, Any] = {"success": {"type": "boolean", "const": True}}
        if operation.message is not None:
            envelope["message"] = {"type": "string", "description": "For people, in the language of `Accept-Language`."}
        if operation.data is not None:
            envelope["data"] = self._data(operation.data)
        schema = {"type": "object", "properties": envelope, "required": list(envelope)}
        contents: dict[str, Any] = {JSON: {"schema": schema, "examples": _success_samples(operation)}}
        if operation.is_also_page:
            contents["text/html"] = {"schema": {"type": "string"}, "example": "<!doctype html>…"}
        return {"description": operation.message or "OK", "headers": headers, "content": contents}

    def _data(self, shape: Shape | tuple[Shape, ...]) -> dict[str, Any]:
        if isinstance(shape, tuple):
            return {"oneOf": [self._data(variant) for variant in shape]}
        return dict(self.resolve_serializer(shape, "response").ref)


def _headers(operation: Operation, *, is_limited: bool) -> dict[str, Any]:
    texts = {**operation.headers, **(RATE_LIMIT_HEADERS if is_limited else {})}
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()}


def _success_samples(operation: Operation) -> dict[str, Any]:
    if operation.data is None:
        return _samples({"Success": _envelope(operation, "")})
    return _samples(
        {title: _envelope(operation, title) | {"data": data} for title, data in operation.responses.items()}
    )


def _envelope(operation: Operation, title: str) -> dict[str, Any]:
    message = operation.messages.get(title, operation.message)
    return {"success": True} | ({} if message is None else {"message": message})


def _samples(values: Any) -> dict[str, Any]:
    return {slugify(title): {"summary": title, "value": value} for title, value in values.items()}


class DataObjectSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # the library is untyped
    """Describe `DataObject` as an object: the library would describe a JSON field as any JSON value."""

    target_class = "core.api.fields.DataObject"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}
