"""Groups of permissions. Only superusers change them: others could add permissions to their own group."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.admin.base import NoAdminLogMixin, admin_id, is_superuser
from accounts.services.administration import audit_records

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(NoAdminLogMixin, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    filter_horizontal = ()  # the two boxes side by side are wider than the page
    list_fullwidth = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """A group is deleted from its own page, one at a time."""
        return {}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Compare the permissions before and after: here the name has been saved, and the permissions have not."""
        group = form.instance
        before = audit_records.get_group_permissions(group) if change else None
        super().save_related(request, form, formsets, change)
        former_name = form.initial.get("name", group.name)
        audit_records.record_group(group, before, former_name=former_name, actor_id=admin_id(request))

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        audit_records.record_group_deletion(obj, actor_id=admin_id(request))
        super().delete_model(request, obj)
