"""Validates a request's body in one word."""

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import Serializer


def checked(form_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """The fields that the form knows, valid; whatever else came is left behind. Raises REST framework's ValidationError."""
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
