"""The view set of this API: REST framework's, without OPTIONS, which has nothing to say here."""

from typing import Any

from django.conf import settings
from rest_framework import viewsets
from rest_framework.request import Request

from core.api.origin import SAFE_METHODS
from core.fast_path.middleware import REFUSAL
from core.throttling import limiter


class ViewSet(viewsets.ViewSet):
    """A signed-in user's requests that change something count in RATE_LIMIT_WRITES.

    `ends_sessions` names the actions that only end sessions. They count by session: a stolen one cannot use up the limit of
    its owner, who has to be able to end it.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    ends_sessions: frozenset[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """What was found in front of Django is not looked for again."""
        if REFUSAL in request.META:
            raise request.META[REFUSAL]
        super().initial(request, *args, **kwargs)
        if request.method not in SAFE_METHODS and request.auth is not None:
            limiter.take(settings.RATE_LIMIT_WRITES, self._writer(request))

    def _writer(self, request: Request) -> str:
        user: Any = request.user
        return f"session:{user.session_id}" if self.action in self.ends_sessions else str(user.id)
