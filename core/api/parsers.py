"""Parsers of JSON and forms that reject a body that is too large, too deep or no object."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn
from urllib.parse import parse_qsl

from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser

from core.api.exceptions import ParseFailed, PayloadTooLarge, UnsupportedMediaType

_MAX_FIELDS = 100


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return parse_object(_read(stream, media_type, parser_context))


class StrictFormParser(BaseParser):
    """For endpoints whose RFC requires forms. A repeated parameter is rejected (RFC 6749 §3.2)."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        body = _read(stream, media_type, parser_context)
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
        except ValueError as error:
            raise ParseFailed from error
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise ParseFailed
        return fields


def _read(stream: IO[bytes], media_type: str | None, parser_context: Mapping[str, Any] | None) -> bytes:
    request = (parser_context or {})["request"]
    _require_plain_utf8(media_type or "", request.META.get("HTTP_CONTENT_ENCODING", ""))
    body = stream.read(settings.MAX_BODY_BYTES + 1)
    if len(body) > settings.MAX_BODY_BYTES:
        raise PayloadTooLarge
    return body


def _require_plain_utf8(media_type: str, encoding: str) -> None:
    charset = parse_header_parameters(media_type)[1].get("charset", "utf-8")
    if charset.lower() not in {"utf-8", "utf8"} or encoding.lower() not in {"", "identity"}:
        raise UnsupportedMediaType


def parse_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object. Raise ParseFailed for any other value, for NaN, and beyond MAX_JSON_DEPTH."""
    try:
        parsed = json.loads(body.decode(), parse_constant=_reject_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ParseFailed from error
    if not isinstance(parsed, dict) or _deeper_than(parsed, settings.MAX_JSON_DEPTH):
        raise ParseFailed
    return parsed


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(literal: str) -> float:
    """Reject `1e999`: valid JSON, but infinity in Python, which no JSON column stores."""
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(f"{literal} is out of range")
    return number


def _deeper_than(value: object, limit: int) -> bool:
    """Walk level by level: hostile input could exhaust recursion."""
    level: list[object] = [value]
    for _ in range(limit):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(item: object) -> list[object]:
    inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return [child for child in inner if isinstance(child, dict | list)]
