"""Protection against cross-site request forgery: checks the origin of a request that a cookie authenticates."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from core.api.exceptions import OriginNotAllowed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_FETCH_SITES = frozenset({"same-origin", "none"})


def require_trusted(request: HttpRequest, *, own_origin: str | None = None) -> None:
    """Raise OriginNotAllowed for a cross-site request (OWASP CSRF cheat sheet, source verification).

    A client that is no browser sends neither `Origin` nor `Sec-Fetch-Site` and passes: it has no cookies of a victim.
    `own_origin` is allowed too: the origin of the site that a proxy protects.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None:
        if not _is_trusted(origin, {own_origin, _own_origin(request)}):
            raise OriginNotAllowed
    elif request.META.get("HTTP_SEC_FETCH_SITE", "none").lower() not in _OWN_FETCH_SITES:
        raise OriginNotAllowed


def _is_trusted(origin: str, own: set[str | None]) -> bool:
    return origin.lower() in settings.CORS_ALLOWED_ORIGINS or origin.lower() in own


def _own_origin(request: HttpRequest) -> str | None:
    try:
        host = request.get_host()
    except DisallowedHost:
        return None
    return without_default_port(f"{request.scheme}://{host.lower()}")


def without_default_port(origin: str) -> str | None:
    """Remove the default port, which browsers leave out of `Origin`. Return None for an invalid origin."""
    try:
        scheme = urlsplit(origin).scheme
    except ValueError:
        return None
    return origin.removesuffix({"http": ":80", "https": ":443"}[scheme])
