"""The admin site: the login with a second factor, the dashboard, and the page to change the own password."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from accounts.admin_site import dashboard, proof_page, recent_proof, session_lifetime
from accounts.admin_site.login_form import AdminLoginForm
from accounts.admin_site.password_change import OwnPasswordView, set_retry_after


class MfaAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    login_form = AdminLoginForm
    login_template = "admin/mfa_login.html"
    index_title = _("Overview")
    index_template = "admin/dashboard.html"
    self_guarded_views = frozenset({"logout", "password_change"})

    def admin_view(self, view: proof_page.View, cacheable: bool = False) -> proof_page.View:  # noqa: FBT001, FBT002 - Django's
        guarded: proof_page.View = super().admin_view(proof_page.guard(view, self), cacheable)
        return guarded

    def require_recent_proof(self, request: HttpRequest) -> None:
        """Interrupt the request by the page that asks for a proof, unless the session has a recent one."""
        recent_proof.require(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().login(request, extra_context)
        form = getattr(request, "admin_login_form", None)
        if not isinstance(form, AdminLoginForm):
            return response
        if form.api_error is not None:
            set_retry_after(response, form.api_error)
        elif form.is_valid():
            recent_proof.record(request, second_factor=form.used_second_factor)
            session_lifetime.mark_started(request)
        return response

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        page: TemplateResponse = super().index(request, dashboard.context(request) | (extra_context or {}))
        return page

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The current password on the page is the recent proof of users without a second factor."""
        if getattr(request.user, "mfa_enabled", False):
            self.require_recent_proof(request)
        request.current_app = self.name
        success_url = reverse("admin:password_change_done", current_app=self.name)
        context = {**self.each_context(request), **(extra_context or {})}
        return OwnPasswordView.as_view(success_url=success_url, extra_context=context)(request)

    def has_permission(self, request: HttpRequest) -> bool:
        is_staff: bool = super().has_permission(request)
        return is_staff and (not settings.REQUIRE_ADMIN_MFA or recent_proof.has_second_factor(request))
