"""A user's authenticator app, recovery codes, recoveries of a lost second factor, and the audit kinds of all three."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class MfaAuditKind(models.TextChoices):
    ENABLED = "mfa_enabled", _("authenticator app added")
    DISABLED = "mfa_disabled", _("authenticator app removed")
    RECOVERY_CODE_USED = "recovery_code_used", _("recovery code used")
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed", _("recovery codes renewed")
    RECOVERY_BEGUN = "recovery_begun", _("recovery of the second factor begun")
    RECOVERY_STOPPED = "recovery_stopped", _("recovery of the second factor stopped")
    RECOVERY_COMPLETED = "recovery_completed", _("recovery of the second factor completed")


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
    """`code_hash` is a keyed hash of user and code, so the table alone is of no use to an attacker."""

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


class FactorRecoveryQuerySet(models.QuerySet["FactorRecovery"]):
    def unfinished(self) -> "FactorRecoveryQuerySet":
        return self.filter(completed_at=None, cancelled_at=None)

    def open(self, now: datetime) -> "FactorRecoveryQuerySet":
        """Exclude those whose links have expired: they only wait for the cleanup, or for the next recovery."""
        return self.unfinished().filter(expires_at__gt=now)


class FactorRecovery(models.Model):
    """A user's request to remove all second factors, because they are lost. It takes effect after a delay.

    From `available_at` to `expires_at`, the link in the email completes it. `binding` is a keyed hash of the verified email
    to which the links were sent: a change of the email invalidates them. `ip` and `device` are those of the request.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="factor_recoveries")
    binding = models.CharField(max_length=64)
    ip = models.GenericIPAddressField(null=True, unpack_ipv4=True)
    device = models.CharField(max_length=160, blank=True)
    started_at = models.DateTimeField()
    available_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    objects = FactorRecoveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("recovery of the second factor")
        verbose_name_plural = _("recoveries of the second factor")
        indexes = (models.Index(fields=["expires_at"], name="factor_recovery_expiry"),)
        constraints = (
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(completed_at__isnull=True, cancelled_at__isnull=True),
                name="one_unfinished_factor_recovery",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
