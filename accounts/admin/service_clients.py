"""Service clients in the admin: view, rename and deactivate. `manage.py create_service_client` creates them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.base import LargeTableAdmin, NoAdminLogMixin, admin_id
from accounts.models import ServiceClient
from accounts.services import service_clients


@admin.register(ServiceClient)
class ServiceClientAdmin(NoAdminLogMixin, LargeTableAdmin):
    list_display = ("name", "id", "is_active", "created_at", "last_used_at")
    list_filter = ("is_active",)
    search_fields = ("name",)
    sortable_by = ("name", "created_at", "last_used_at")  # without indexes: the table is small
    ordering = ("name",)
    fields = ("name", "id", "is_active", "created_at", "last_used_at")
    readonly_fields = ("id", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The admin has no page that could show the secret once."""
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """A client is deleted from its own page, one at a time."""
        return {}

    def save_model(self, request: HttpRequest, obj: ServiceClient, form: Any, change: Any) -> None:
        actor_id = admin_id(request)
        service_clients.change(actor_id=actor_id, client_id=obj.id, name=obj.name, is_active=obj.is_active)

    def delete_model(self, request: HttpRequest, obj: ServiceClient) -> None:
        service_clients.delete(actor_id=admin_id(request), client_id=obj.id)
