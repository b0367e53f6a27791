"""Service clients in Django's admin: looked at, renamed, deactivated. Made by `manage.py create_service_client`."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import ServiceClient


@admin.register(ServiceClient)
class ServiceClientAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "id", "is_active", "created_at", "last_used_at")
    list_filter = ("is_active",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "id", "is_active", "created_at", "last_used_at")
    readonly_fields = ("id", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The admin has no place to show a secret once."""
        return False
