"""Validates a request's body or query in one word."""

import functools
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from core.api.exceptions import ValidationFailed


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
    return dict(_form(form_class, get_language()).run_validation(data))


@functools.cache
def _form(form_class: type[Serializer[Any]], _language: str | None) -> Serializer[Any]:
    """One for all requests in a language: to copy the fields anew takes as long as to check them.

    To check leaves no trace in them, but for messages of REST framework's that stay as they were first said.
    """
    return form_class()
