"""Users in the admin."""

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm

from accounts import audit
from accounts.admin import recent_activity, user_actions, user_forms
from accounts.admin.base import NoAdminLogMixin, admin_id, column, is_outranked, is_own, is_superuser
from accounts.admin.confirmed_actions import ConfirmedAction, ConfirmedActionsAdmin
from accounts.admin.search import user_search_q
from accounts.admin.user_filters import EmailVerifiedFilter
from accounts.admin.user_forms import NewUserForm, UserForm
from accounts.mail import outbox
from accounts.models import AuditKind, User
from accounts.models.user_fields import PROFILE_FIELDS
from accounts.services import registration_claims
from accounts.services.administration import audit_records, policy, side_effects
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason

_PRIVILEGES = ("role", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(NoAdminLogMixin, ConfirmedActionsAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    form, add_form, change_password_form = UserForm, NewUserForm, AdminPasswordChangeForm
    confirmed_actions = user_actions.USER_ACTIONS
    self_guarded_views = ConfirmedActionsAdmin.self_guarded_views | {"change_view"}
    guarded_forms = frozenset({"add_view", "user_change_password"})
    list_display = ("account", "email_address", "full_name", "role", "state", "mfa_enabled", "created")
    list_filter = ("role", "is_active", EmailVerifiedFilter, "is_staff")
    sortable_by = ("account", "email_address", "created")
    search_fields = ("username_key", "email_key", "first_name", "last_name", "id")
    search_help_text = _("Email, username, name or ID")
    filter_horizontal = ()  # the two boxes side by side are wider than the page
    ordering = ("-id",)  # ids grow with time and are indexed
    readonly_fields = ("mfa_enabled", "created_at", "updated_at", "last_login", "deactivated_at")
    fieldsets = (
        (_("Profile"), {"fields": ("email", *PROFILE_FIELDS, "version")}),
        (_("Status"), {"fields": ("is_active", "deactivation_reason", "deactivated_at")}),
        (_("Permissions"), {"fields": ("role", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Two-factor authentication"), {"fields": ("mfa_enabled",)}),
        (_("Dates"), {"fields": ("email_verified_at", "last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User | None:
        """Lock the row for a POST, so that form and permissions are checked against its current state."""
        user = super().get_object(request, object_id, from_field)
        return (
            policy.lock_with_admins(user) if user and request.method == "POST" and connection.in_atomic_block else user
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        if change:
            if not set(form.changed_data) <= user_forms.HARMLESS_FIELDS:
                self.require_recent_proof(request)
            self._change(obj, form, actor_id=admin_id(request))
            return
        super().save_model(request, obj, form, change)
        side_effects.send_onboarding_email(obj)
        audit_records.record_creation(obj, actor_id=admin_id(request))

    def _change(self, user: User, form: Any, *, actor_id: uuid.UUID) -> None:
        """`user` is the row locked by `get_object`, with the form's changes."""
        before = User.objects.get(id=user.id)
        verified = bool(user.email_verified_at) if "email_verified_at" in form.changed_data else None
        values = user_forms.column_values(before, user)
        after = side_effects.apply_changes(before, values, email_verified=verified, actor_id=actor_id)
        if verified:  # at the time given in the form
            User.objects.filter(id=user.id).update(email_verified_at=user.email_verified_at)
        audit_records.record_change(before, after, actor_id=actor_id)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        before = audit_records.get_user_permissions(form.instance)
        super().save_related(request, form, formsets, change)
        audit_records.record_user_permissions(form.instance, before, actor_id=admin_id(request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Serve Django's page; `EndSessionsOnChange` ends the sessions.

        Administrators change their own password on the page that requires the current one.
        """
        if is_own(request, unquote(id)):
            return redirect("admin:password_change")
        with transaction.atomic():
            before = self.get_object(request, unquote(id))
            response = super().user_change_password(request, id, form_url)
            after = User.objects.filter(id=before.id).exclude(password=before.password).first() if before else None
            if before and after:
                side_effects.after_password_set(before, after, actor_id=admin_id(request))
                facts = {"fields": "password"}
                audit.record(AuditKind.USER_CHANGED, user_id=after.id, actor_id=admin_id(request), facts=facts)
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only superusers may change roles and permissions, including their own.

        The own email is changed through the API, which requires the password.
        """
        fields = super().get_readonly_fields(request, obj)
        if obj is not None and is_own(request, obj.pk):
            fields = (*fields, "email", "email_verified_at")
        return fields if is_superuser(request) else (*fields, *_PRIVILEGES)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_outranked(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Deny to delete the last administrator, and the own account, which the API deletes after a password check."""
        if obj is not None and (is_outranked(request, obj) or policy.is_last_admin(obj) or is_own(request, obj.pk)):
            return False
        return super().has_delete_permission(request, obj)

    def get_available_actions(self, request: HttpRequest, obj: Any = None) -> list[ConfirmedAction]:
        if is_outranked(request, obj):
            return []
        is_self = obj is not None and is_own(request, obj.pk)
        available = super().get_available_actions(request, obj)
        return [action for action in available if not (is_self and action.not_on_self)]

    def describe(self, obj: Any) -> str:
        return " · ".join(part for part in (obj.username, self.full_name(obj), obj.email) if part)

    def get_panels(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        return recent_activity.panels(obj, request)

    def get_extra_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, Any]]:
        """Link to the password form; the page itself shows nothing of the password, not even the hasher."""
        if not self.has_change_permission(request, obj):
            return []
        if is_own(request, obj.pk):
            return [(reverse("admin:password_change"), {"title": _("Change password"), "icon": "password"})]
        url = reverse("admin:auth_user_password_change", args=[obj.pk])
        return [(url, {"title": _("Set password"), "icon": "password"})]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        return queryset.filter(user_search_q(search_term)), False

    @column(description=_("user"), ordering="username_key")
    def account(self, user: User) -> str:
        return user.username

    @column(description=_("email"), ordering="email_key")
    def email_address(self, user: User) -> str | None:
        return user.email

    @column(description=_("name"))
    def full_name(self, user: User) -> str:
        return f"{user.first_name} {user.last_name}".strip()

    @column(description=_("state"), label={"inactive": "danger", "active": "success", "unverified": "warning"})
    def state(self, user: User) -> tuple[str, Any]:
        if not user.is_active:
            return "inactive", _("deactivated")
        return ("active", _("active")) if user.email_verified else ("unverified", _("not verified"))

    @column(description=_("created at"), ordering="id")
    def created(self, user: User) -> Any:
        return user.created_at

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Count the related rows instead of listing them: a user may have thousands."""
        [user] = objs
        counts = {_("sessions"): user.sessions.count(), _("emails"): user.emails.count()}
        return [str(user)], {str(_("users")): 1} | {str(name): count for name, count in counts.items()}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Delete the row locked by `get_object`; `has_delete_permission` has since checked for another administrator."""
        outbox.account_deleted(obj)
        registration_claims.remove(obj.email)
        sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=obj.id, actor_id=admin_id(request))
        super().delete_model(request, obj)
