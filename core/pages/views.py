"""The front page, and the pages that the links in emails lead to."""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import re_path

from core.http.safe_methods import read_only

POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, object] | None = None,
    *,
    policy: Mapping[str, str] = POLICY,
) -> HttpResponse:
    """A page that may hold a token in its address: nothing stores it, and no other host hears of it."""
    response = render(request, template, {"product_name": settings.PRODUCT_NAME, **(context or {})})
    response["Content-Security-Policy"] = "; ".join(f"{name} {sources}" for name, sources in policy.items())
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


@read_only
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "pages/index.html", {"debug": settings.DEBUG})


@read_only
def verify_email_page(request: HttpRequest) -> HttpResponse:
    """Verifies nothing by itself (mail scanners open links); its button does."""
    return page(request, "pages/verify_email.html")


@read_only
def reset_password_page(request: HttpRequest) -> HttpResponse:
    """With a token, the form for a new password; without one, the form to ask for the link."""
    return page(request, "pages/reset_password.html", {"composition": settings.PASSWORD_COMPOSITION})


@read_only
def undo_email_change_page(request: HttpRequest) -> HttpResponse:
    """Undoes nothing by itself; its button does."""
    return page(request, "pages/undo_email_change.html")


urlpatterns = [
    re_path(r"^$", index, name="index"),
    re_path(r"^verify-email/?$", verify_email_page, name="verify-email-page"),
    re_path(r"^reset-password/?$", reset_password_page, name="reset-password-page"),
    re_path(r"^undo-email-change/?$", undo_email_change_page, name="undo-email-change-page"),
]
