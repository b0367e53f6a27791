"""Views that change nothing."""

from collections.abc import Callable

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

View = Callable[..., HttpResponse]


def safe_methods_only(view: View) -> View:
    """Allow GET and HEAD. Another method gets 405, which names them, and not the CSRF check's 403."""
    safe: View = csrf_exempt(require_safe(view))
    return safe
