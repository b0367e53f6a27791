"""Content negotiation that has one outcome: JSON in, JSON out."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AlwaysJSON(BaseContentNegotiation):
    """An odd Accept header gets JSON too, errors included, rather than a 406 that few clients expect."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """A wildcard names no media type, though REST framework would match it with the first parser."""
        kind = request.content_type or ""
        if "*" in kind:
            return None
        exact = next(
            (parser for parser in parsers if parser.media_type == kind), None
        )  # as nearly all requests have it
        return exact or DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[Any, Any]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
