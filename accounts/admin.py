"""Users and the outbox in Django's admin."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import OutboxEmail, User
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "email", "role", "is_active", "email_verified_at", "created_at")
    list_filter = ("role", "is_active", "is_staff")
    search_fields = ("username_key", "email_key", "id")
    ordering = ("-created_at",)
    readonly_fields = ("created_at", "updated_at", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("email", "first_name", "last_name", "language")}),
        (_("Rights"), {"fields": ("role", "is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Times"), {"fields": ("email_verified_at", "last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """What changes here takes hold with the next request of the user, as it does through the API."""
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DEACTIVATED)
        else:
            sessions.renew_principals(user_id=obj.id)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DELETED)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self.delete_model(request, user)


@admin.register(OutboxEmail)
class OutboxEmailAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("kind", "address", "state", "tries", "created_at", "sent_at", "error")
    list_filter = ("state", "kind")
    search_fields = ("address",)
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutboxEmail | None = None) -> bool:
        return False
