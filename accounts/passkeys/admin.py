"""Passkeys in the admin: read-only, with actions for users who have lost theirs. Django's autodiscovery imports this module."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyMixin, column, is_outranked, is_own
from accounts.admin.confirmed_actions import ConfirmedAction, ConfirmedActionsAdmin
from accounts.admin.search import search_user_ids
from accounts.admin.user_actions import USER_ACTIONS
from accounts.admin.user_panels import USER_PANELS, UserPanel, format_time, panel, row_link
from accounts.models import User
from accounts.passkeys import providers
from accounts.passkeys.flows import removal
from accounts.passkeys.models import Passkey

_REMOVE = ConfirmedAction(
    name="remove",
    title=_("Remove passkey"),
    question=_("The user can no longer sign in with this passkey, and is notified by email."),
    icon="key_off",
    is_destructive=True,
    superusers_only=True,
    run=lambda actor, passkey, _reason: removal.remove_one_by_admin(passkey_id=passkey, actor_id=actor),
)


@admin.register(Passkey)
class PasskeyAdmin(ReadOnlyMixin, ConfirmedActionsAdmin):
    """Shows no key and no credential id."""

    confirmed_actions = (_REMOVE,)
    list_display = ("name", "user_link", "provider", "created_at", "last_used_at")
    list_select_related = ("user",)
    sortable_by = ()
    search_fields = ("user__username_key", "user__email_key")
    search_help_text = _("Email, username or name of the user, or user ID")
    ordering = ("-id",)
    fields = (("name", "user_link"), ("provider", "backed_up"), ("created_at", "last_used_at"))
    readonly_fields = ("name", "user_link", "provider", "backed_up", "created_at", "last_used_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Passkey]:
        rows: QuerySet[Passkey] = super().get_queryset(request)
        return rows.select_related("user").defer("credential_id", "public_key")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Passkey], search_term: str
    ) -> tuple[QuerySet[Passkey], bool]:
        term = search_term.strip()
        return (queryset.filter(user_id__in=search_user_ids(term)) if term else queryset), False

    def has_confirmed_actions_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("passkeys.delete_passkey")

    def get_available_actions(self, request: HttpRequest, obj: Any = None) -> list[ConfirmedAction]:
        if obj is not None and (is_outranked(request, obj.user) or is_own(request, obj.user_id)):
            return []
        return super().get_available_actions(request, obj)

    def describe(self, obj: Any) -> str:
        return f"{obj.user.username}: {obj.name}"

    @column(description=_("user"))
    def user_link(self, passkey: Passkey) -> SafeString:
        url = reverse("admin:accounts_user_change", args=[passkey.user_id])
        css = "text-primary-600 dark:text-primary-500"
        return format_html('<a href="{}" class="{}">{}</a>', url, css, passkey.user.username)

    @column(description=_("provider"))
    def provider(self, passkey: Passkey) -> str | None:
        return providers.get_name(passkey.aaguid)


def _panel(user: User) -> dict[str, Any] | None:
    passkeys = Passkey.objects.filter(user=user).order_by("-id")
    if not passkeys:
        return None
    headers = [_("name"), _("provider"), _("created at"), _("last used at")]
    cells = [
        [
            row_link(row, row.name),
            providers.get_name(row.aaguid) or "",
            format_time(row.created_at),
            format_time(row.last_used_at) if row.last_used_at else "",
        ]
        for row in passkeys
    ]
    return panel(Passkey, _("Passkeys"), headers, cells, user)


USER_PANELS.register(UserPanel(name="passkeys", permission="passkeys.view_passkey", build=_panel))
USER_ACTIONS.register(
    ConfirmedAction(
        name="remove-passkeys",
        title=_("Remove all passkeys"),
        question=_(
            "For users who lost their passkeys. They can then sign in with their password, or reset it by email, "
            "and are notified by email."
        ),
        icon="key_off",
        is_destructive=True,
        superusers_only=True,
        not_on_self=True,
        is_applicable=lambda user: user.passkeys.exists(),
        run=lambda actor, user, _reason: removal.remove_all_by_admin(user_id=user, actor_id=actor),
    )
)
