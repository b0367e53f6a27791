"""The language of a request, by Django's rules, but never one that the client refuses."""

import re

from django.http import HttpRequest
from django.middleware import locale
from django.utils import translation

_NOUGHT = re.compile(r"q=0(\.0{0,3})?", re.IGNORECASE)


class LocaleMiddleware(locale.LocaleMiddleware):
    """Django takes `fr;q=0` for a wish for French, the least one; it says "anything but" (RFC 9110 §12.4.2)."""

    def process_request(self, request: HttpRequest) -> None:
        _drop_refused(request)
        super().process_request(request)


def language_of(request: HttpRequest) -> str:
    """The language of the answer, for who answers in front of the middleware."""
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
