"""The front page, and the pages that the links in emails lead to."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import re_path

from core.http.safe_methods import safe_methods_only
from core.http.security_headers import ResponseKind, set_kind


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, object] | None = None,
    *,
    kind: ResponseKind = ResponseKind.PAGE,
) -> HttpResponse:
    """Return a page that is not stored: its URL may hold a token."""
    response = render(request, template, {"product_name": settings.PRODUCT_NAME, **(context or {})})
    set_kind(response, kind)
    response["Cache-Control"] = "no-store"
    return response


@safe_methods_only
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "pages/index.html", {"debug": settings.DEBUG})


@safe_methods_only
def verify_email_page(request: HttpRequest) -> HttpResponse:
    """Show a button that verifies the email: mail scanners open links, and must not verify it."""
    return page(request, "pages/verify_email.html")


@safe_methods_only
def reset_password_page(request: HttpRequest) -> HttpResponse:
    """Show the form for a new password if the URL has a token, else the form that requests the link."""
    return page(request, "pages/reset_password.html", {"composition": settings.PASSWORD_COMPOSITION})


@safe_methods_only
def undo_email_change_page(request: HttpRequest) -> HttpResponse:
    """Show a button that undoes the change, for the same reason."""
    return page(request, "pages/undo_email_change.html")


urlpatterns = [
    re_path(r"^$", index, name="index"),
    re_path(r"^verify-email/?$", verify_email_page, name="verify-email-page"),
    re_path(r"^reset-password/?$", reset_password_page, name="reset-password-page"),
    re_path(r"^undo-email-change/?$", undo_email_change_page, name="undo-email-change-page"),
]
