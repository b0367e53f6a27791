"""Ends admin sessions at a maximum age, and earlier if they are idle (ASVS 7.3.1, 7.3.2)."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponseBase

_STARTED_AT, _SEEN_AT = "started_at", "seen_at"  # keys in the session; values are seconds since 1970
_WRITE_EVERY_SECONDS = 60


def mark_started(request: HttpRequest) -> None:
    """Start the lifetime of the session at a login."""
    now = int(time.time())
    request.session[_STARTED_AT] = request.session[_SEEN_AT] = now


class AdminSessionLifetimeMiddleware:
    """Ends an expired session before the view runs. Must come after AuthenticationMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/") and settings.SESSION_COOKIE_NAME in request.COOKIES:
            _expire_or_touch(request)
        return self.get_response(request)


def _expire_or_touch(request: HttpRequest) -> None:
    """Save the last use at most once a minute, so a session may expire up to a minute early."""
    session, now = request.session, time.time()
    if auth.SESSION_KEY not in session:
        return
    if not {_STARTED_AT, _SEEN_AT} <= set(session.keys()):  # a session from before this middleware
        mark_started(request)
    is_old = now - session[_STARTED_AT] >= settings.ADMIN_SESSION_MAX_AGE.total_seconds()
    is_idle = now - session[_SEEN_AT] >= settings.ADMIN_SESSION_IDLE.total_seconds()
    if is_old or is_idle:
        auth.logout(request)
    elif now - session[_SEEN_AT] >= min(_WRITE_EVERY_SECONDS, settings.ADMIN_SESSION_IDLE.total_seconds() / 2):
        session[_SEEN_AT] = int(now)
