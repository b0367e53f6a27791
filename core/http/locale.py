"""The language of a request, by Django's rules, but never one that the client excludes."""

import functools
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

_MAX_CACHED_LENGTH = 100
_ZERO_WEIGHT = re.compile(r"q=0(\.0{0,3})?", re.IGNORECASE)


class LocaleMiddleware:
    """Django's, without languages in paths, and with a cache: browsers send the same few headers again and again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        translation.activate(request_language(request))
        request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response


def request_language(request: HttpRequest) -> str:
    """Return the language of the response."""
    accepted = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    has_cookie = settings.LANGUAGE_COOKIE_NAME in request.META.get("HTTP_COOKIE", "")
    if has_cookie or len(accepted) > _MAX_CACHED_LENGTH:
        _drop_excluded(request)
        return translation.get_language_from_request(request)
    return _accepted_language(accepted)


@functools.lru_cache(maxsize=1024)
def _accepted_language(accepted: str) -> str:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    _drop_excluded(request)
    return translation.get_language_from_request(request)


def _drop_excluded(request: HttpRequest) -> None:
    """Django takes `fr;q=0` for the least preferred language; it means "anything but French" (RFC 9110 §12.4.2)."""
    accepted = request.META.get("HTTP_ACCEPT_LANGUAGE")
    if accepted and "0" in accepted:
        kept = [language.strip() for language in accepted.split(",") if not _is_excluded(language)]
        request.META["HTTP_ACCEPT_LANGUAGE"] = ",".join(kept)


def _is_excluded(language: str) -> bool:
    weight = "".join(language.rpartition(";")[2].split())
    return _ZERO_WEIGHT.fullmatch(weight) is not None
