"""Notices each answer below /api that is a refusal, and nothing of any other."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from core.http.request_context import request_id
from core.rejected_requests import writer
from core.rejected_requests.records import Refusal, names_in, template_of
from core.rejected_requests.writer import Bearer

logger = logging.getLogger(__name__)

_LONGEST_METHOD = 16


class RefusalMiddleware:
    """Stands outside of whatever refuses. REFUSAL_BEARER names what finds the token of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._bearer_of: Callable[[HttpRequest, HttpResponse], Bearer] = import_string(settings.REFUSAL_BEARER)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400 and request.path_info.startswith("/api") and settings.REFUSAL_RETENTION:
            self._note(request, response)
        return response

    def _note(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            writer.note(_refusal(request, response), self._bearer_of(request, response))
        except Exception:  # the answer stands, whatever goes wrong with the note of it
            logger.exception("could not note a refusal")


def _refusal(request: HttpRequest, response: HttpResponse) -> Refusal:
    body, match = _body(response), request.resolver_match
    return Refusal(
        request_id=request_id(request),
        at=datetime.now(UTC),
        status=response.status_code,
        code=str(body.get("code", "")),
        method=str(request.method)[:_LONGEST_METHOD],
        route=template_of(match.route) if match else "",
        ip=request.META.get("REMOTE_ADDR") or None,
        fields=names_in(body.get("errors")),
        limit=response.headers.get("RateLimit-Policy", "") if response.status_code == 429 else "",
        retry_after=response.headers.get("Retry-After", ""),
    )


def _body(response: HttpResponse) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}
