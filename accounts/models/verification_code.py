"""A code or link that was mailed and works once. The row holds neither: both are derived from its id with the server's key."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class Purpose(models.TextChoices):
    VERIFY_EMAIL = "verify_email", _("verify the address")
    RESET_PASSWORD = "reset_password", _("reset the password")


class VerificationCode(models.Model):
    """`bound_to` is a keyed hash of what the secret was issued against (address, password): it dies when that changes.

    `email` is the outbox row that carries it: a retry of that email finds the same secret.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="one_time_secrets")
    email = models.OneToOneField("accounts.OutboxEmail", on_delete=models.SET_NULL, null=True, related_name="secret")
    purpose = models.CharField(max_length=32, choices=Purpose)
    bound_to = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    code_expires_at = models.DateTimeField()
    token_expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("one-time secret")
        verbose_name_plural = _("one-time secrets")
        indexes = (
            models.Index(fields=["user", "purpose"], name="secret_of_user"),
            models.Index(fields=["token_expires_at"], name="secret_expiry"),
        )

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"
