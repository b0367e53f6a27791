"""The outbox of emails in the admin: read-only, with an action to send failed emails again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.base import LargeTableAdmin, ReadOnlyMixin, admin_id, column
from accounts.admin.search import istartswith
from accounts.mail import kinds
from accounts.models import OutboxEmail
from accounts.services.administration import support
from core.ids import parse_id


class KindFilter(admin.SimpleListFilter):
    """Filter by the registered kinds: a filter on the plain field would read all values of the table."""

    title, parameter_name = _("kind"), "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, str(kind.label)) for kind in kinds.EMAIL_KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxEmail]) -> QuerySet[OutboxEmail]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(OutboxEmail)
class OutboxEmailAdmin(ReadOnlyMixin, LargeTableAdmin):
    list_display = ("created_at", "kind_label", "recipient", "state_label", "attempts", "sent_at", "error")
    list_filter = ("state", KindFilter)
    list_select_related = ("user",)
    search_fields = ("recipient",)
    search_help_text = _("Recipient or user ID")
    sortable_by = ("created_at",)
    ordering = ("-created_at",)
    actions = ("send_again",)
    self_guarded_views = frozenset({"changelist_view"})  # `send_again` reveals nothing and needs no recent proof

    @admin.action(description=_("Send failed emails again"), permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxEmail]) -> None:
        """Only failed emails: a queued one is sent anyway, and a sent one must not be sent twice."""
        ids = queryset.values_list("id", flat=True)[: self.list_per_page]
        count = support.resend_failed_emails(actor_id=admin_id(request), email_ids=ids)
        self.message_user(
            request,
            ngettext("%(count)d email will be sent again.", "%(count)d emails will be sent again.", count)
            % {"count": count},
            messages.SUCCESS if count else messages.WARNING,
        )

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Check the permission to change emails, although no field of an email can be edited."""
        return request.user.has_perm("accounts.change_outboxemail")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OutboxEmail], search_term: str
    ) -> tuple[QuerySet[OutboxEmail], bool]:
        term = search_term.strip()
        user_id = parse_id(term)
        if not term:
            return queryset, False
        return queryset.filter(Q(user_id=user_id) if user_id else istartswith("recipient", term)), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Emails are sent or cancelled, never deleted by hand."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    @column(description=_("email"))
    def kind_label(self, email: OutboxEmail) -> str:
        return kinds.label(email.kind)

    @column(description=_("recipient"))
    def recipient(self, email: OutboxEmail) -> str:
        return email.recipient

    @column(
        description=_("state"),
        label={"queued": "info", "sending": "info", "sent": "success", "failed": "danger", "cancelled": "warning"},
    )
    def state_label(self, email: OutboxEmail) -> tuple[str, str]:
        return email.state, email.get_state_display()
