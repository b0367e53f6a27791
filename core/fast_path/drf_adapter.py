"""Runs a view in front of Django, whose middleware and REST framework's dispatch take as long as all that most views do.

The view is the same, and so is what it says. What it raises is raised again behind Django, by `ViewSet.initial`, and becomes
the failure it always was: nothing is done, counted or punished twice. See core.fast_path.middleware for what is not asked here.
"""

from http import HTTPStatus

from django.core.handlers.wsgi import WSGIRequest
from django.utils import translation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.middleware import NOT_STORED
from core.api.parsers import StrictJSONParser
from core.api.viewsets import ViewSet
from core.fast_path.middleware import Quick, Shortcut
from core.http.locale import language_of
from core.http.security_headers import for_data
from core.observability.request_identity import identity_of
from core.throttling import headers

_PARSERS = [StrictJSONParser()]
_HEADERS = {"Content-Type": "application/json", "Allow": "POST"} | NOT_STORED


def in_front(view_set: type[ViewSet], action: str) -> Shortcut:
    """The shortcut of a POST that takes JSON and is open to anybody: nobody is asked here who the caller is."""
    if list(view_set.authentication_classes) or list(view_set.permission_classes) != [AllowAny]:
        raise TypeError(f"{view_set.__name__} is not open to anybody")
    view = getattr(view_set(), action)

    def shortcut(request: WSGIRequest) -> Quick:
        language = language_of(request)
        with translation.override(language):
            response: Response = view(Request(request, parsers=_PARSERS))
            body: bytes = JSONRenderer().render(response.data)
        told = {"Content-Length": str(len(body)), "Content-Language": language} | headers.ratelimit_headers(request)
        cookies = [cookie.OutputString() for cookie in response.cookies.values()]
        return Quick(
            _HEADERS | for_data() | told, body, identity_of(request), HTTPStatus(response.status_code), cookies
        )

    return shortcut
