"""The outbox: an email that was promised in the same transaction as the data it speaks of."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.db.prefix_index import PrefixIndex
from core.ids import new_id


class EmailKind(models.TextChoices):
    VERIFY_EMAIL = "verify_email", _("verification")
    WELCOME = "welcome", _("welcome")
    RESET_PASSWORD = "reset_password", _("password reset")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    NEW_DEVICE = "new_device", _("new device")
    REFRESH_TOKEN_REUSED = "refresh_token_reused", _("refresh token reused")
    ACCOUNT_DELETED = "account_deleted", _("account deleted")
    ADDRESS_ALREADY_REGISTERED = "address_already_registered", _("address already registered")
    ADDRESS_ALREADY_USED = "address_already_used", _("address already used")
    EMAIL_CHANGE_CODE = "email_change_code", _("code for a new address")
    EMAIL_CHANGE_REQUESTED = "email_change_requested", _("change of address asked for")
    EMAIL_CHANGED = "email_changed", _("address changed")
    EMAIL_CHANGED_BY_ADMIN = "email_changed_by_admin", _("address changed by an administrator")
    INVITATION = "invitation", _("invitation")
    MFA_ENABLED = "mfa_enabled", _("second factor added")
    MFA_DISABLED = "mfa_disabled", _("second factor removed")
    RECOVERY_CODE_USED = "recovery_code_used", _("recovery code used")


class EmailState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("no longer wanted")


class OutboxEmail(models.Model):
    """`context` is plain: no code, token or link is in it. Those are made by the worker when it sends."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=40, choices=EmailKind)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="emails")
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=8)
    context = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=EmailState, default=EmailState.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("email")
        verbose_name_plural = _("outbox")
        indexes = (
            models.Index(fields=["due_at"], name="outbox_due", condition=models.Q(state__in=["queued", "sending"])),
            models.Index(fields=["created_at"], name="outbox_created"),
            models.Index(fields=["user", "kind"], name="outbox_of_user"),
            models.Index(fields=["kind", "created_at"], name="outbox_kind"),
            models.Index(fields=["created_at"], name="outbox_failed", condition=models.Q(state="failed")),
            PrefixIndex("address", name="outbox_address"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
