"""Response shapes: a serializer declares the fields once, for the OpenAPI document and for the response."""

from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any

from rest_framework import serializers

from core.api.timestamps import iso, iso_or_none

Shape = serializers.Serializer[dict[str, Any]]
Present = Callable[[Any], dict[str, Any]]


def presenter(shape: type[serializers.Serializer[Any]], *, computed: Collection[str] = ()) -> Present:
    """Return a function that turns an object into the shape, by each field's `source` or name.

    A serializer takes ten times as long. The caller fills in the fields that are `computed`, and adds nested shapes: raises
    TypeError for them.
    """
    fields = {name: field for name, field in shape().fields.items() if name not in computed}
    names = tuple(fields)
    read = attrgetter(*(str(field.source) for field in fields.values()))
    converters = [(name, convert) for name, field in fields.items() if (convert := _converter(field))]
    in_declared_order = dict.fromkeys(shape().fields)

    def present(source: Any) -> dict[str, Any]:
        data: dict[str, Any] = in_declared_order.copy()
        data.update(zip(names, read(source), strict=True))
        for name, convert in converters:
            data[name] = convert(data[name])
        return data

    return present


def _converter(field: "serializers.Field[Any, Any, Any, Any]") -> Callable[[Any], Any] | None:
    if isinstance(field, serializers.BaseSerializer):
        raise TypeError(f"{field.field_name} is a nested shape")
    if isinstance(field, serializers.DateTimeField):
        return iso_or_none if field.allow_null else iso
    if isinstance(field, serializers.UUIDField):
        return _str_or_none if field.allow_null else str
    return None


def _str_or_none(value: object) -> str | None:
    return None if value is None else str(value)
