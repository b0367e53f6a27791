"""`POST /refresh` in front of Django, for a client that sends the token in the body, as those do that keep no cookies.

It makes its answer of the same parts as the view, and has the view's headers; see config.shortcuts for what it leaves to it.
"""

import functools
import re
from io import BytesIO

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import gettext
from rest_framework.renderers import JSONRenderer

from accounts.api.cookies import Transport, set_cookies, wanted_transport
from accounts.api.representation import sign_in_data
from accounts.services import token_refresh
from accounts.tokens import TokenPair
from config.api.browser_headers import for_data
from config.api.middleware import NOT_STORED
from config.language import language_of
from config.rate_limits import standing
from config.shortcuts import Quick
from sessions_tracking.client_info import read_client_info

# One field, in letters that JSON spells in one way only: whatever else a body may be is for REST framework's parser and form.
_SPACE = rb"[ \t\r\n]{0,9}"
_BODY = re.compile(_SPACE.join([b"", rb"\{", b'"refreshToken"', b":", rb'"([A-Za-z0-9_.-]{1,4096})"', rb"\}", b""]))
_HEADERS = {"Content-Type": "application/json", "Allow": "POST"} | NOT_STORED


def shortcut(request: WSGIRequest) -> Quick | None:
    token = _token_in_body(request)
    if token is None:
        return None
    transport = wanted_transport(request)
    sign_in = token_refresh.refresh(token=token, client=read_client_info(request))
    language, data = language_of(request), sign_in_data(sign_in, transport)
    body: bytes = JSONRenderer().render({"success": True, "message": _message(language), "data": data})
    told = {"Content-Length": str(len(body)), "Content-Language": language} | standing.headers_for(request)
    cookies = () if transport is Transport.BODY else _cookies(sign_in.tokens)
    return Quick(_HEADERS | for_data() | told, body, (sign_in.user.id, sign_in.session.id), cookies)


def _token_in_body(request: WSGIRequest) -> str | None:
    """Looks at the body without reading it off, so that it is all there for the view."""
    stream = request.environ["wsgi.input"]
    if request.environ.get("CONTENT_TYPE") != "application/json" or "HTTP_CONTENT_ENCODING" in request.environ:
        return None
    found = _BODY.fullmatch(stream.getvalue()) if isinstance(stream, BytesIO) else None
    return found[1].decode() if found else None


@functools.cache
def _message(language: str) -> str:
    with translation.override(language):
        return gettext("The session goes on.")


def _cookies(pair: TokenPair) -> list[str]:
    bearer = HttpResponse()
    set_cookies(bearer, pair)
    return [cookie.OutputString() for cookie in bearer.cookies.values()]
