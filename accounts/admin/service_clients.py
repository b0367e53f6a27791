"""Service clients in Django's admin: looked at, renamed, deactivated. Made by `manage.py create_service_client`."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.admin_user import caller_id
from accounts.admin.base import FastAdmin
from accounts.admin.no_admin_log import Unlogged
from accounts.models import ServiceClient
from accounts.services import service_clients


@admin.register(ServiceClient)
class ServiceClientAdmin(Unlogged, FastAdmin):
    list_display = ("name", "id", "is_active", "created_at", "last_used_at")
    list_filter = ("is_active",)
    search_fields = ("name",)
    sortable_by = ("name", "created_at", "last_used_at")  # there are few
    ordering = ("name",)
    fields = ("name", "id", "is_active", "created_at", "last_used_at")
    readonly_fields = ("id", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The admin has no place to show a secret once."""
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One client is deleted at a time, from its page."""
        return {}

    def save_model(self, request: HttpRequest, obj: ServiceClient, form: Any, change: Any) -> None:
        actor_id = caller_id(request)
        service_clients.change(actor_id=actor_id, client_id=obj.id, name=obj.name, is_active=obj.is_active)

    def delete_model(self, request: HttpRequest, obj: ServiceClient) -> None:
        service_clients.delete(actor_id=caller_id(request), client_id=obj.id)
