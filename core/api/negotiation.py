"""Content negotiation with one outcome: JSON."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AlwaysJSON(BaseContentNegotiation):
    """Any Accept header gets JSON, errors included: few clients expect a 406."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Reject a wildcard, which REST framework would match with the first parser."""
        kind = request.content_type or ""
        if "*" in kind:
            return None
        exact = next((parser for parser in parsers if parser.media_type == kind), None)
        return exact or DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[Any, Any]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
