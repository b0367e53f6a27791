"""Users in Django's admin."""

import uuid
from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.admin.forms import NewUserForm, UserForm, is_last_admin
from accounts.admin.unlogged import Unlogged
from accounts.exceptions import LastAdmin
from accounts.models import AuditKind, Role, User
from accounts.services import account_changes, authority, change_audit, deactivation
from accounts.services.mfa import challenges, enrolment
from config.ids import parse_id
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason

# A save writes every column: what changed since the page was asked for must not be undone by it.
_NOT_OF_THE_FORM = ("password", "last_login")
_RIGHTS = ("role", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(Unlogged, DjangoUserAdmin):  # type: ignore[type-arg]
    form, add_form = UserForm, NewUserForm
    list_display = ("username", "email", "role", "is_active", "email_verified_at", "created_at")
    list_filter = ("role", "is_active", "is_staff")
    search_fields = ("username_key", "email_key", "id")
    ordering = ("-created_at",)
    actions = ("reset_second_factor",)
    readonly_fields = ("mfa_enabled", "created_at", "updated_at", "last_login", "deactivated_at")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("email", "first_name", "last_name", "language")}),
        (_("Activity"), {"fields": ("is_active", "deactivation_reason", "deactivated_at")}),
        (_("Rights"), {"fields": ("role", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Second factor"), {"fields": ("mfa_enabled",)}),
        (_("Times"), {"fields": ("email_verified_at", "last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """What changes here takes hold with the next request of the user, as it does through the API."""
        if change:
            self._change(obj, form, actor_id=_actor_id(request))
            return
        super().save_model(request, obj, form, change)
        account_changes.announce(obj)
        change_audit.note_creation(obj, actor_id=_actor_id(request))

    def _change(self, user: User, form: Any, *, actor_id: uuid.UUID) -> None:
        if not user.is_active or user.role != Role.ADMIN:
            _keep_an_administrator_beside(user)
        before = User.objects.select_for_update().get(id=user.id)
        for name in _NOT_OF_THE_FORM:
            setattr(user, name, getattr(before, name))
        reason = None if user.is_active else user.deactivation_reason
        for name, value in deactivation.columns(before, is_active=user.is_active, reason=reason).items():
            setattr(user, name, value)
        user.save()
        if "email" in form.changed_data:
            account_changes.leave_address(before, user)
        change_audit.note_change(before, user, actor_id=actor_id)
        if not user.is_active:
            sessions.revoke_all(user_id=user.id, reason=RevokedReason.ACCOUNT_DEACTIVATED)
            challenges.end_all(user_id=user.id)
        else:
            sessions.renew_principals(user_id=user.id)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page; `EndSessionsOnChange` ends the sessions."""
        with transaction.atomic():
            reply = super().user_change_password(request, id, form_url)
            if request.method == "POST" and reply.status_code == HTTPStatus.FOUND:
                facts = {"fields": "password"}
                audit.record(AuditKind.USER_CHANGED, user_id=parse_id(id), actor_id=_actor_id(request), facts=facts)
        return reply

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Who is no superuser raises nobody, themselves least of all."""
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, *_RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """As in `authority`: nobody touches who stands above them."""
        return super().has_change_permission(request, obj) and not _stands_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes the last administrator, and nobody deletes by the list, where such a one could be among many."""
        if obj is not None and (_stands_above(request, obj) or is_last_admin(obj)):
            return False
        return super().has_delete_permission(request, obj)

    @admin.action(description=_("Remove the second factor"), permissions=["reset_second_factor"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """For people who lost their phone and their recovery codes. They are told by email."""
        ids = queryset.values_list("id", flat=True)
        count = sum(enrolment.reset_by_admin(user_id=user_id, actor_id=_actor_id(request)) for user_id in ids)
        self.message_user(
            request,
            ngettext(
                "%(count)d user has no second factor any more.",
                "%(count)d users have no second factor any more.",
                count,
            )
            % {"count": count},
            messages.SUCCESS if count else messages.WARNING,
        )

    def has_reset_second_factor_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        _keep_an_administrator_beside(obj)
        sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=obj.id, actor_id=_actor_id(request))
        super().delete_model(request, obj)


def _actor_id(request: HttpRequest) -> uuid.UUID:
    """The admin's pages open to users alone."""
    return uuid.UUID(str(request.user.pk))


def _keep_an_administrator_beside(user: User) -> None:
    """The forms have asked before; under locks, two who turn on each other at once cannot both be told yes."""
    try:
        authority.require_another_admin(user_id=user.pk)
    except LastAdmin as error:
        raise PermissionDenied(str(error.message)) from error


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_superuser


def _stands_above(request: HttpRequest, user: User | None) -> bool:
    if user is None or _is_superuser(request):
        return False
    return (user.is_superuser or user.is_staff or user.role == Role.ADMIN) and user.pk != request.user.pk
