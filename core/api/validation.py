"""Validates the body or the query of a request with a serializer."""

import functools
from typing import Any

from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from core.api.exceptions import ValidationFailed


def validated_data(form_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the valid fields of the body, without unknown ones. Raise REST framework's ValidationError."""
    return _validated(form_class, request.data)


def validated_query(form_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    return validated_parameters(form_class, request.query_params)


def validated_parameters(form_class: type[Serializer[Any]], parameters: QueryDict) -> dict[str, Any]:
    """Reject a repeated parameter: a filter in between may have checked the other value."""
    for name, values in parameters.lists():
        if len(values) > 1 or "\0" in name + values[0]:
            raise ValidationFailed(errors={name.replace("\0", ""): [_("Not a valid value.")]})
    return _validated(form_class, parameters.dict())


def _validated(form_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    return dict(_form(form_class, get_language()).run_validation(data))


@functools.cache
def _form(form_class: type[Serializer[Any]], _language: str | None) -> Serializer[Any]:
    """Return one instance for all requests in a language: to copy the fields takes as long as to validate them.

    Validation leaves no state in the fields except REST framework's messages, which stay in their first language.
    """
    return form_class()
