"""Serializer fields for text and JSON that reject values that cannot be stored or displayed."""

import json
import re
import unicodedata
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

MAX_DATA_BYTES = 8 * 1024
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# In encoded JSON: an escape, and not a backslash of the text itself before the letters.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class NoSurrogates(ProhibitSurrogateCharactersValidator):
    """By regular expression: REST framework checks each character, which takes longer for a token than its signature."""

    def __call__(self, value: Any) -> None:
        if _SURROGATE.search(value):
            super().__call__(value)


class Text(serializers.CharField):
    """Text that is not trimmed. Numbers are rejected."""

    default_error_messages = {"invalid": _("Must be text.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
        slow = ProhibitSurrogateCharactersValidator
        self.validators = [
            NoSurrogates() if isinstance(validator, slow) else validator for validator in self.validators
        ]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class PlainText(Text):
    """One line. Control characters, line separators and lone surrogates are rejected."""

    default_error_messages = {"control": _("Control characters are not allowed.")}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text.isprintable() and any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
            self.fail("control")
        return text


class SecretText(Text):
    """A password or token. Only NUL and lone surrogates are rejected, which no hash or database accepts."""


class DataObject(serializers.JSONField):
    """A JSON object of at most 8 KiB, which the service stores and does not read."""

    default_error_messages = {
        "invalid": _("Must be a JSON object."),
        "too_large": _("Must be at most 8 KiB."),
        "unstorable": _("NUL and lone surrogates are not allowed."),
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        if _NUL.search(text) or _SURROGATE.search(text):
            self.fail("unstorable")
        if len(text.encode()) > MAX_DATA_BYTES:
            self.fail("too_large")
        return data
