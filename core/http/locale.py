"""The language of a request, by Django's rules, but never one that the client refuses."""

import functools
import re

from django.conf import settings
from django.http import HttpRequest
from django.middleware import locale
from django.utils import translation

_MAX_CACHED_LENGTH = 100
_NOUGHT = re.compile(r"q=0(\.0{0,3})?", re.IGNORECASE)


class LocaleMiddleware(locale.LocaleMiddleware):
    """Django takes `fr;q=0` for a wish for French, the least one; it says "anything but" (RFC 9110 §12.4.2)."""

    def process_request(self, request: HttpRequest) -> None:
        _drop_refused(request)
        super().process_request(request)


def language_of(request: HttpRequest) -> str:
    """The language of the answer, for who answers in front of the middleware."""
    accepted = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    has_cookie = settings.LANGUAGE_COOKIE_NAME in request.META.get("HTTP_COOKIE", "")
    if has_cookie or len(accepted) > _MAX_CACHED_LENGTH:
        _drop_refused(request)
        return translation.get_language_from_request(request)
    return _accepted_language(accepted)


@functools.lru_cache(maxsize=1024)
def _accepted_language(accepted: str) -> str:
    """Browsers send the same few headers again and again; Django would parse all cookies of each request first."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    _drop_refused(request)
    return translation.get_language_from_request(request)


def _drop_refused(request: HttpRequest) -> None:
    wishes = request.META.get("HTTP_ACCEPT_LANGUAGE")
    if wishes and "0" in wishes:
        kept = [wish.strip() for wish in wishes.split(",") if not _is_refused(wish)]
        request.META["HTTP_ACCEPT_LANGUAGE"] = ",".join(kept)


def _is_refused(wish: str) -> bool:
    weight = "".join(wish.rpartition(";")[2].split())
    return _NOUGHT.fullmatch(weight) is not None
