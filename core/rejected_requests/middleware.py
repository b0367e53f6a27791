"""Records each error response below /api."""

import json
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from core.http.request_context import request_id
from core.http.route_templates import route_template
from core.rejected_requests import writer
from core.rejected_requests.records import RejectedRequest, field_names
from core.rejected_requests.writer import TokenReader

logger = logging.getLogger(__name__)

_MAX_METHOD = 16


def no_token(_request: HttpRequest, _response: HttpResponse) -> TokenReader:
    """The reader for a project whose requests have no tokens."""
    return _no_ids


def _no_ids() -> tuple[uuid.UUID | None, uuid.UUID | None]:
    return None, None


class RejectedRequestMiddleware:
    """Runs outside of the middleware that rejects. REJECTED_REQUEST_TOKEN_READER reads the token of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._token_reader: Callable[[HttpRequest, HttpResponse], TokenReader] = import_string(
            settings.REJECTED_REQUEST_TOKEN_READER
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_rejected = response.status_code >= 400 and request.path_info.startswith("/api")
        if is_rejected and settings.REJECTED_REQUEST_RETENTION:
            self._record(request, response)
        return response

    def _record(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            writer.record(_rejected_request(request, response), self._token_reader(request, response))
        except Exception:  # the response is sent, even if it cannot be recorded
            logger.exception("could not record a rejected request")


def _rejected_request(request: HttpRequest, response: HttpResponse) -> RejectedRequest:
    body, match = _body(response), request.resolver_match
    return RejectedRequest(
        request_id=request_id(request),
        at=datetime.now(UTC),
        status=response.status_code,
        code=str(body.get("code", "")),
        method=str(request.method)[:_MAX_METHOD],
        route=route_template(match.route) if match else "",
        ip=request.META.get("REMOTE_ADDR") or None,
        fields=field_names(body.get("errors")),
        limit=response.headers.get("RateLimit-Policy", "") if response.status_code == 429 else "",
        retry_after=response.headers.get("Retry-After", ""),
    )


def _body(response: HttpResponse) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except (ValueError, AttributeError):
        return {}
    return body if isinstance(body, dict) else {}
