"""Emailed codes and links, each of which works once. The row holds neither; see accounts.verification.verification_codes."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class Purpose(models.TextChoices):
    """The codes and links of an email change are derived from an EmailChange; all others from a VerificationCode."""

    VERIFY_EMAIL = "verify_email", _("verify email")
    RESET_PASSWORD = "reset_password", _("reset password")
    CHANGE_EMAIL = "change_email", _("change email")
    UNDO_EMAIL_CHANGE = "undo_email_change", _("undo email change")
    LOGIN = "login", _("sign in")
    REAUTHENTICATE = "reauthenticate", _("confirm identity")


class VerificationCode(models.Model):
    """`binding` is a keyed hash of what the code depends on: the code becomes invalid when that changes. It is the user's email,
    with the password for a reset and a login, and with the session for a reauthentication.

    `email` is the outbox row that carries the code: a retry of that email finds the same code.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="verification_codes")
    email = models.OneToOneField(
        "accounts.OutboxEmail", on_delete=models.SET_NULL, null=True, related_name="verification_code"
    )
    purpose = models.CharField(max_length=32, choices=Purpose)
    binding = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    code_expires_at = models.DateTimeField()
    token_expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    invalidated_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("verification code")
        verbose_name_plural = _("verification codes")
        indexes = (
            models.Index(fields=["user", "purpose"], name="verification_code_user"),
            models.Index(fields=["token_expires_at"], name="verification_code_expiry"),
        )

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"
