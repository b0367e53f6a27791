"""A user's authenticator app, the recovery codes that replace a lost one, and the audit kinds of both."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class MfaAuditKind(models.TextChoices):
    ENABLED = "mfa_enabled", _("authenticator app added")
    DISABLED = "mfa_disabled", _("authenticator app removed")
    RECOVERY_CODE_USED = "recovery_code_used", _("recovery code used")
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed", _("recovery codes renewed")


class TotpFactor(models.Model):
    """`secret` is encrypted. Before `confirmed_at` is set, logins do not require the factor, and a new enrolment replaces it.

    `last_step` is the time step of the last code used: codes of this and earlier steps are rejected (RFC 6238 §5.2).
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="totp_factor"
    )
    secret = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """`code_hash` is a keyed hash of user and code, so the table alone is of no use to a thief."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")

    def __str__(self) -> str:
        return str(self.id)
