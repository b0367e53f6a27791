"""The view set of this API: REST framework's, without OPTIONS, which has nothing to say here."""

from typing import Any

from rest_framework import viewsets
from rest_framework.request import Request

from config.shortcuts import REFUSAL


class ViewSet(viewsets.ViewSet):
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """What was found in front of Django is not looked for again."""
        if REFUSAL in request.META:
            raise request.META[REFUSAL]
        super().initial(request, *args, **kwargs)
