"""The base class of the API's view sets."""

from typing import Any

from rest_framework import viewsets
from rest_framework.request import Request

from core.api.deferred_error import raise_deferred_error


class ViewSet(viewsets.ViewSet):
    """REST framework's, without OPTIONS.

    `ends_sessions` names the actions that only end sessions; see core.throttling.write_throttle.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    ends_sessions: frozenset[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise_deferred_error(request)
        super().initial(request, *args, **kwargs)
