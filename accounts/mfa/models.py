"""The authenticator app of a user, and the recovery codes that stand in for it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class TotpFactor(models.Model):
    """`secret` is encrypted. Until `confirmed_at` is set the factor gates nothing, and the next start replaces it.

    `last_step` is the time step of the code used last: no code of it or before it is taken again (RFC 6238 §5.2).
    `wrong_codes` since `wrong_since` count against all codes of the user, recovery codes too.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="totp_factor"
    )
    secret = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    wrong_since = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """`code_hash` is a keyed hash of user and code: the table, by itself, opens nothing."""

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
