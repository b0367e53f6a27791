"""Django's admin, with the sign-in of this project."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse

from accounts.admin_login.form import AdminLoginForm

_SECOND_FACTOR = "second_factor"


class GuardedAdminSite(AdminSite):
    login_form = AdminLoginForm
    login_template = "admin/sign_in.html"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A refusal that passes with time, as for too many tries, says so in its status too."""
        reply = super().login(request, extra_context)
        form = getattr(request, "admin_login_form", None)
        if not isinstance(form, AdminLoginForm):
            return reply
        if form.refusal is not None and "Retry-After" in form.refusal.headers:
            reply.status_code = form.refusal.status
            reply["Retry-After"] = form.refusal.headers["Retry-After"]
        elif form.is_valid():
            request.session[_SECOND_FACTOR] = form.proved_second_factor
        return reply

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and (not settings.REQUIRE_ADMIN_MFA or _has_second_factor(request))


def _has_second_factor(request: HttpRequest) -> bool:
    """In this session, and still: who takes it away is out with the next request."""
    return bool(request.session.get(_SECOND_FACTOR)) and bool(getattr(request.user, "mfa_enabled", False))
