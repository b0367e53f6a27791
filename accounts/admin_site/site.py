"""Django's admin, with the sign-in of this project."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from accounts.admin_site import dashboard, session_lifetime
from accounts.admin_site.form import AdminLoginForm
from accounts.admin_site.own_password import OwnPasswordView, tell_when_to_return

_SECOND_FACTOR = "second_factor"


class GuardedAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    login_form = AdminLoginForm
    login_template = "admin/sign_in.html"
    index_title = _("Overview")
    index_template = "admin/dashboard.html"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        reply: HttpResponse = super().login(request, extra_context)
        form = getattr(request, "admin_login_form", None)
        if not isinstance(form, AdminLoginForm):
            return reply
        if form.refusal is not None:
            tell_when_to_return(reply, form.refusal)
        elif form.is_valid():
            request.session[_SECOND_FACTOR] = form.proved_second_factor
            session_lifetime.mark_started(request)
        return reply

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        page: TemplateResponse = super().index(request, dashboard.context(request) | (extra_context or {}))
        return page

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        request.current_app = self.name
        done = reverse("admin:password_change_done", current_app=self.name)
        context = {**self.each_context(request), **(extra_context or {})}
        return OwnPasswordView.as_view(success_url=done, extra_context=context)(request)

    def has_permission(self, request: HttpRequest) -> bool:
        is_staff: bool = super().has_permission(request)
        return is_staff and (not settings.REQUIRE_ADMIN_MFA or _has_second_factor(request))


def _has_second_factor(request: HttpRequest) -> bool:
    """In this session, and still: who takes it away is out with the next request."""
    return bool(request.session.get(_SECOND_FACTOR)) and bool(getattr(request.user, "mfa_enabled", False))
