"""The outbox in Django's admin: to look at, and to send again what failed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.admin_user import caller_id
from accounts.admin.base import FastAdmin, ReadOnly
from accounts.admin.display import column
from accounts.admin.prefix_lookups import begins_in_any_case
from accounts.models import OutboxEmail
from accounts.services.administration import support
from core.ids import parse_id


@admin.register(OutboxEmail)
class OutboxEmailAdmin(ReadOnly, FastAdmin):
    list_display = ("created_at", "what", "address", "state_words", "tries", "sent_at", "error")
    list_filter = ("state", "kind")
    list_select_related = ("user",)
    search_fields = ("address",)
    search_help_text = _("Address, from its beginning; or the whole id of a user")
    sortable_by = ("created_at",)
    ordering = ("-created_at",)
    actions = ("send_again",)

    @admin.action(description=_("Send failed emails again"), permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxEmail]) -> None:
        """Only what failed: what waits is on its way, and what was sent is not sent twice."""
        ids = queryset.values_list("id", flat=True)[: self.list_per_page]
        count = support.send_emails_again(actor_id=caller_id(request), email_ids=ids)
        self.message_user(
            request,
            ngettext("%(count)d email will be sent again.", "%(count)d emails will be sent again.", count)
            % {"count": count},
            messages.SUCCESS if count else messages.WARNING,
        )

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """For who may change emails, were there anything in them to edit."""
        return request.user.has_perm("accounts.change_outboxemail")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OutboxEmail], search_term: str
    ) -> tuple[QuerySet[OutboxEmail], bool]:
        term = search_term.strip()
        user_id = parse_id(term)
        if not term:
            return queryset, False
        return queryset.filter(Q(user_id=user_id) if user_id else begins_in_any_case("address", term)), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Promises are kept or withdrawn, not deleted."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    @column(description=_("email"))
    def what(self, email: OutboxEmail) -> str:
        return email.get_kind_display()

    @column(
        description=_("state"),
        label={"queued": "info", "sending": "info", "sent": "success", "failed": "danger", "cancelled": "warning"},
    )
    def state_words(self, email: OutboxEmail) -> tuple[str, str]:
        return email.state, email.get_state_display()
