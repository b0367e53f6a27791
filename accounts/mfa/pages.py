"""The pages that the links of a recovery open. `config.urls` includes them if the capability is installed."""

from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from core.http.safe_methods import safe_methods_only
from core.pages.views import page


@safe_methods_only
def recovery_page(request: HttpRequest) -> HttpResponse:
    """Show a button that completes the recovery: mail scanners open links, and must not complete it."""
    return page(request, "pages/recovery.html")


@safe_methods_only
def stop_recovery_page(request: HttpRequest) -> HttpResponse:
    """Show a button that stops the recovery, for the same reason."""
    return page(request, "pages/stop_recovery.html")


urlpatterns = [
    re_path(r"^recovery/?$", recovery_page, name="recovery-page"),
    re_path(r"^recovery/stop/?$", stop_recovery_page, name="stop-recovery-page"),
]
