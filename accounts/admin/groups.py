"""Groups of Django's permissions: for superusers to change, since whoever could add to their own group would raise themselves."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.admin.admin_user import caller_id, is_superuser
from accounts.admin.no_admin_log import Unlogged
from accounts.services.administration import permissions

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(Unlogged, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    filter_horizontal = ()  # two boxes side by side are wider than the page
    list_fullwidth = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One group is deleted at a time, from its page."""
        return {}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """The name is saved by now, the permissions are not."""
        group = form.instance
        before = permissions.of_group(group) if change else None
        super().save_related(request, form, formsets, change)
        former_name = form.initial.get("name", group.name)
        permissions.note_group(group, before, former_name=former_name, actor_id=caller_id(request))

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        permissions.note_group_deleted(obj, actor_id=caller_id(request))
        super().delete_model(request, obj)
