"""The base class of the API's view sets."""

from typing import Any

from rest_framework import viewsets
from rest_framework.request import Request

from core.api.deferred_error import DEFERRED_ERROR


class ViewSet(viewsets.ViewSet):
    """REST framework's, without OPTIONS.

    `ends_sessions` names the actions that only end sessions; see core.throttling.write_throttle.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    ends_sessions: frozenset[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raise the exception that the fast path deferred, if there is one: the work must not be done twice."""
        if DEFERRED_ERROR in request.META:
            raise request.META[DEFERRED_ERROR]
        super().initial(request, *args, **kwargs)
