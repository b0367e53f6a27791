"""Validates a request's body or query in one word."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from config.api.exceptions import ValidationFailed


def checked(form_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """The fields that the form knows, valid; whatever else came is left behind. Raises REST framework's ValidationError."""
    return _valid(form_class, request.data)


def checked_query(form_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """The query, valid. Twice the same name is refused: who knows which of the two a filter in between looked at."""
    for name, values in request.query_params.lists():
        if len(values) > 1 or "\0" in name + values[0]:
            raise ValidationFailed(errors={name.replace("\0", ""): [_("Not a valid value.")]})
    return _valid(form_class, request.query_params.dict())


def _valid(form_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    form = form_class(data=data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
