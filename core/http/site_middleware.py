"""Middleware for the admin and the pages, which the API does without: it costs time and sets cookies and headers of its own."""

from collections.abc import Callable
from typing import Any

from csp import middleware as csp
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase
from django.middleware import csrf


class OffTheApi:
    """Steps aside below /api."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/"):
            return self.get_response(request)  # type: ignore[attr-defined,no-any-return]
        return super().__call__(request)  # type: ignore[misc,no-any-return]


class CSPMiddleware(OffTheApi, csp.CSPMiddleware):
    """The API's own policy is in core.http.security_headers; the documentation's pages below /api bring theirs."""


class SessionMiddleware(OffTheApi, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(OffTheApi, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(OffTheApi, messages.MessageMiddleware):
    pass


class CsrfViewMiddleware(OffTheApi, csrf.CsrfViewMiddleware):
    """Below /api the views are exempt, and `core.api.origin` guards what rides on cookies."""

    def process_view(self, request: HttpRequest, callback: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if request.path_info.startswith("/api/"):
            return None
        return super().process_view(request, callback, args, kwargs)
