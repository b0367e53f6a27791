"""The security headers of every response, in one table by kind of response, and the one middleware that sets them.

Django's SecurityMiddleware and XFrameOptionsMiddleware and django-csp would each set a part of them, for pages alone.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_COMMON: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Nothing of another host, no script within a page, no frame.
_PAGE_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_INLINE_STYLES: Final = {"style-src": "'self' 'unsafe-inline'"}


class ResponseKind(Enum):
    DATA = "data"
    FILE = "file"
    PAGE = "page"
    MAILBOX = "mailbox"
    REDOC = "redoc"
    ADMIN = "admin"
    DEBUG_PAGE = "debug page"


_POLICIES: Final[Mapping[ResponseKind, Mapping[str, str]]] = {
    # A response of the API that is opened as a page loads nothing and is shown in no frame.
    ResponseKind.DATA: {"default-src": "'none'", "frame-ancestors": "'none'"},
    ResponseKind.FILE: {},
    ResponseKind.PAGE: _PAGE_POLICY,
    # The emails that it shows have styles in their elements.
    ResponseKind.MAILBOX: _PAGE_POLICY | _INLINE_STYLES,
    # Redoc writes style elements, and searches in a worker that it makes from a blob. Swagger UI needs neither.
    ResponseKind.REDOC: _PAGE_POLICY | _INLINE_STYLES | {"worker-src": "blob:"},
    # django-unfold keeps its menus in attributes that Alpine's standard build turns into functions, which browsers count as
    # eval: inline scripts and handlers stay forbidden, so that a name with markup in it still runs nothing by itself. Its colours
    # come in a <style>, its widths in style="…".
    ResponseKind.ADMIN: _PAGE_POLICY
    | _INLINE_STYLES
    | {"script-src": "'self' 'unsafe-eval'", "font-src": "'self'", "object-src": "'none'"},
    ResponseKind.DEBUG_PAGE: {},  # Django's pages for developers have scripts and styles in them
}
# Under `no-referrer` browsers send a form with `Origin: null`, which the check of Django's CSRF middleware rejects.
_OVERRIDES: Final[Mapping[ResponseKind, Mapping[str, str]]] = {ResponseKind.ADMIN: {"Referrer-Policy": "same-origin"}}


class SecurityHeadersMiddleware:
    """Must come before every middleware that may respond by itself. A header that the view has set stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in security_headers(_kind(request, response)).items():
            response.headers.setdefault(name, value)
        return response


def set_kind(response: HttpResponse, kind: ResponseKind) -> None:
    """Declare a page of a kind that its path and its media type do not tell."""
    response.security_kind = kind  # type: ignore[attr-defined]


def security_headers(kind: ResponseKind) -> dict[str, str]:
    return _headers(kind, settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS)


def _kind(request: HttpRequest, response: HttpResponse) -> ResponseKind:
    declared: ResponseKind | None = getattr(response, "security_kind", None)
    if declared is not None:
        return declared
    path = request.path_info
    if path.startswith("/admin/"):
        return ResponseKind.ADMIN
    if path.startswith(settings.STATIC_URL):
        return ResponseKind.FILE
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return ResponseKind.DATA
    return ResponseKind.DEBUG_PAGE if settings.DEBUG and response.status_code in {404, 500} else ResponseKind.PAGE


@cache
def _headers(kind: ResponseKind, hsts_seconds: int, hsts_subdomains: bool) -> dict[str, str]:  # noqa: FBT001 - a key of the cache
    headers = dict(_COMMON)
    if _POLICIES[kind]:
        headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in _POLICIES[kind].items())
    if hsts_seconds:
        # On plain HTTP too, where browsers ignore it (RFC 6797 §8.1): a proxy that does not report TLS must not cost it.
        subdomains = "; includeSubDomains" if hsts_subdomains else ""
        headers["Strict-Transport-Security"] = f"max-age={hsts_seconds}{subdomains}"
    return {**headers, **_OVERRIDES.get(kind, {})}
