"""What every answer tells browsers, whoever wrote it: a view, a file, a preflight, an error of the framework."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# An answer of the API is data: opened as a page, it loads nothing and stands in no frame.
_DATA_POLICY = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


class BrowserHeadersMiddleware:
    """Stands before all that may answer by itself. What a view has said of its own answer stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in (for_data() if _is_data(request, response) else _for_all()).items():
            response.headers.setdefault(name, value)
        return response


def for_data() -> dict[str, str]:
    """What an answer of the API bears."""
    return _for_all() | _DATA_POLICY


def _for_all() -> dict[str, str]:
    return _ALWAYS | _strict_transport() if settings.SECURE_HSTS_SECONDS else _ALWAYS


def _is_data(request: HttpRequest, response: HttpResponse) -> bool:
    """No page, which has a policy of its own (but Django's for developers), and no file that such a page loads."""
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    return not is_page and not request.path_info.startswith(settings.STATIC_URL)


def _strict_transport() -> dict[str, str]:
    """On plain HTTP too, where browsers ignore it (RFC 6797 §8.1): a proxy that says nothing of TLS must not cost it."""
    subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    return {"Strict-Transport-Security": f"max-age={settings.SECURE_HSTS_SECONDS}{subdomains}"}
