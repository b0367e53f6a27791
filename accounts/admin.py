"""Users and the outbox in Django's admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import one_time_secrets
from accounts.admin_forms import NewUserForm, UserForm, is_last_admin
from accounts.mail import outbox
from accounts.models import OutboxEmail, Purpose, User
from accounts.services import account_changes
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form, add_form = UserForm, NewUserForm
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
        if not change:
            account_changes.announce(obj)
        elif "email" in form.changed_data:
            one_time_secrets.supersede(user_id=obj.id, purposes=list(Purpose))
        if not obj.is_active:
            sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DEACTIVATED)
        else:
            sessions.renew_principals(user_id=obj.id)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes the last administrator, and nobody deletes by the list, where such a one could be among many."""
        return super().has_delete_permission(request, obj) and (obj is None or not is_last_admin(obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DELETED)
        super().delete_model(request, obj)


@admin.register(OutboxEmail)
class OutboxEmailAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("kind", "address", "state", "tries", "created_at", "sent_at", "error")
    list_filter = ("state", "kind")
    search_fields = ("address",)
    ordering = ("-created_at",)
    actions = ("send_again",)

    @admin.action(description=_("Send failed emails again"), permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxEmail]) -> None:
        """Only what failed: what waits is on its way, and what was sent is not sent twice."""
        count = outbox.send_again(email_ids=queryset.values_list("id", flat=True))
        self.message_user(
            request,
            ngettext("%(count)d email will be sent again.", "%(count)d emails will be sent again.", count)
            % {"count": count},
            messages.SUCCESS if count else messages.WARNING,
        )

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """For who may change emails, were there anything in them to edit."""
        return request.user.has_perm("accounts.change_outboxemail")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutboxEmail | None = None) -> bool:
        return False
