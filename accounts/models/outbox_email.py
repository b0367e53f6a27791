"""The outbox: each email is written in the transaction of the change that it reports."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.db.prefix_index import PrefixIndex
from core.ids import new_id


class EmailState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class OutboxEmail(models.Model):
    """`kind` is the name of an EmailKind. `context` holds no code, token or link: the worker makes those when it sends."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="emails")
    recipient = models.CharField(max_length=254)
    language = models.CharField(max_length=8)
    context = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=EmailState, default=EmailState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
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
            models.Index(fields=["user", "kind"], name="outbox_user"),
            models.Index(fields=["kind", "created_at"], name="outbox_kind"),
            models.Index(fields=["created_at"], name="outbox_failed", condition=models.Q(state="failed")),
            PrefixIndex("recipient", name="outbox_recipient"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
