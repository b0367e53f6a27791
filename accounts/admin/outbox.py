"""The outbox in Django's admin: to look at, and to send again what failed."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.mail import outbox
from accounts.models import OutboxEmail


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
