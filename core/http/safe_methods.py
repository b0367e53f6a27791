"""Views that only show something."""

from collections.abc import Callable

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

View = Callable[..., HttpResponse]


def read_only(view: View) -> View:
    """GET and HEAD alone. Anything else is a 405 that names them, and no complaint about a form's missing token."""
    safe: View = csrf_exempt(require_safe(view))
    return safe
