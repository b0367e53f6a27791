"""Users in Django's admin."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.admin.forms import NewUserForm, UserForm, is_last_admin
from accounts.admin.unlogged import Unlogged
from accounts.identity import email_key, username_key
from accounts.mail import outbox
from accounts.models import AuditKind, Role, User
from accounts.services import account_changes, change_audit, deactivation
from accounts.services.mfa import enrolment
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason

_COLUMNS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "language",
    "role",
    "is_active",
    "is_staff",
    "is_superuser",
)
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
        (None, {"fields": ("username", "password", "seen_at")}),
        (_("Person"), {"fields": ("email", "first_name", "last_name", "language")}),
        (_("Activity"), {"fields": ("is_active", "deactivation_reason", "deactivated_at")}),
        (_("Rights"), {"fields": ("role", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Second factor"), {"fields": ("mfa_enabled",)}),
        (_("Times"), {"fields": ("email_verified_at", "last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User | None:
        """Locked where something is about to be done: form and permissions are then judged by what is there now."""
        user = super().get_object(request, object_id, from_field)
        return _lock(user) if user and request.method == "POST" and connection.in_atomic_block else user

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """What changes here takes hold with the next request of the user, as it does through the API."""
        if change:
            self._change(obj, form, actor_id=_actor_id(request))
            return
        super().save_model(request, obj, form, change)
        account_changes.announce(obj)
        change_audit.note_creation(obj, actor_id=_actor_id(request))

    def _change(self, user: User, form: Any, *, actor_id: uuid.UUID) -> None:
        """`user` is the row that `get_object` has locked, with what the form changes of it."""
        before = User.objects.get(id=user.id)
        verified = bool(user.email_verified_at) if "email_verified_at" in form.changed_data else None
        after = account_changes.apply(before, _values(before, user), email_verified=verified)
        if verified:  # at the time that the form says
            User.objects.filter(id=user.id).update(email_verified_at=user.email_verified_at)
        change_audit.note_change(before, after, actor_id=actor_id)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page; `EndSessionsOnChange` ends the sessions."""
        with transaction.atomic():
            before = self.get_object(request, unquote(id))
            reply = super().user_change_password(request, id, form_url)
            after = User.objects.filter(id=before.id).exclude(password=before.password).first() if before else None
            if before and after:
                account_changes.settle_password(before, after)
                facts = {"fields": "password"}
                audit.record(AuditKind.USER_CHANGED, user_id=after.id, actor_id=_actor_id(request), facts=facts)
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
        """`get_object` has locked the user, and `has_delete_permission` has looked for another administrator since."""
        outbox.account_deleted(obj)
        sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=obj.id, actor_id=_actor_id(request))
        super().delete_model(request, obj)


def _actor_id(request: HttpRequest) -> uuid.UUID:
    """The admin's pages open to users alone."""
    return uuid.UUID(str(request.user.pk))


def _lock(user: User) -> User | None:
    """In one statement and by id, as `authority` locks, so that neither waits for the other in a circle.

    With an administrator come all of them: two who turn on each other at once cannot both be told yes.
    """
    admins = Q(role=Role.ADMIN, is_active=True)
    wanted = Q(id=user.pk)
    if User.objects.filter(admins, wanted).exists():
        wanted |= admins
    rows = User.objects.select_for_update().filter(wanted).order_by("id")
    return next((row for row in rows if row.pk == user.pk), None)


def _values(before: User, wanted: User) -> dict[str, Any]:
    """The columns of the form, and those that follow from them."""
    reason = None if wanted.is_active else wanted.deactivation_reason
    keys = {
        "username_key": username_key(wanted.username),
        "email_key": email_key(wanted.email) if wanted.email else None,
    }
    values = {name: getattr(wanted, name) for name in _COLUMNS} | keys | {"updated_at": datetime.now(UTC)}
    return values | deactivation.columns(before, is_active=wanted.is_active, reason=reason)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_superuser


def _stands_above(request: HttpRequest, user: User | None) -> bool:
    if user is None or _is_superuser(request):
        return False
    return (user.is_superuser or user.is_staff or user.role == Role.ADMIN) and user.pk != request.user.pk
