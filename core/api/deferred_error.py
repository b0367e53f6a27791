"""The error of a fast path, which the view of the request raises again: core.fast_path and the views are in different layers."""

from django.http import HttpRequest
from rest_framework.request import Request

DEFERRED_ERROR = "vestibule.deferred_error"  # in the WSGI environ


def raise_deferred_error(request: HttpRequest | Request) -> None:
    """Call it first in a view that has a fast path: the work must not be done twice."""
    if DEFERRED_ERROR in request.META:
        raise request.META[DEFERRED_ERROR]
