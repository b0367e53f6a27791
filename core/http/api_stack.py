"""The middleware of /api: a short list of its own, which every endpoint and every client of the API goes through."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

Handler = Callable[[HttpRequest], HttpResponseBase]
_API = "/api"


def is_api_path(path: str) -> bool:
    return path.startswith(f"{_API}/") or path == _API


class ApiStackMiddleware:
    """Run API_MIDDLEWARE, instead of the rest of MIDDLEWARE, for a request below /api. Must come first in MIDDLEWARE.

    The choice is a middleware so that the web server, Django's test client and management commands all make it. Sessions,
    messages, CSRF tokens and templates' policies serve the admin and the pages: on the API's path they cost time.
    """

    def __init__(self, get_response: Handler) -> None:
        self._site = get_response
        self._api = _ApiHandler().build_chain()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._api(request) if is_api_path(request.path_info) else self._site(request)


class _ApiHandler(BaseHandler):
    """Django's handler with API_MIDDLEWARE, whose members only wrap the response: `process_view` and the like are not called."""

    _view_middleware: list[Handler] = []
    _template_response_middleware: list[Handler] = []
    _exception_middleware: list[Handler] = []

    def build_chain(self) -> Handler:
        chain: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]  # the stubs lack it
        for name in reversed(settings.API_MIDDLEWARE):
            chain = convert_exception_to_response(import_string(name)(chain))
        wrapped: Handler = chain
        return wrapped
