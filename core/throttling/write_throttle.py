"""The rate limit of every request that changes something, as a throttle class of REST framework."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.api.origin import SAFE_METHODS
from core.throttling import limiter


class WriteThrottle(BaseThrottle):
    """Counts an authenticated user's unsafe requests in RATE_LIMIT_WRITES. Raises RateLimited.

    Actions in the view's `ends_sessions` count by session: a stolen session cannot use up the limit of its owner, who has to
    be able to revoke it.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        if request.method not in SAFE_METHODS and request.auth is not None:
            limiter.consume(settings.RATE_LIMIT_WRITES, _subject(request, view))
        return True


def _subject(request: Request, view: Any) -> str:
    user: Any = request.user
    return f"session:{user.session_id}" if view.action in view.ends_sessions else str(user.id)
