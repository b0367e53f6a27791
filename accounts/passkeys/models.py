"""A user's passkeys, the handle by which authenticators know the user, used challenges, and the audit kinds of passkeys."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id

MAX_CREDENTIAL_ID_BYTES = 1023  # WebAuthn Level 3 §4, "Credential ID"
USER_HANDLE_BYTES = 64
MAX_NAME_LENGTH = 100


class PasskeyAuditKind(models.TextChoices):
    ADDED = "passkey_added", _("passkey added")
    REMOVED = "passkey_removed", _("passkey removed")
    RENAMED = "passkey_renamed", _("passkey renamed")
    COUNTER_DECREASED = "passkey_counter_decreased", _("passkey counter went backwards")


class Passkey(models.Model):
    """A credential record (WebAuthn Level 3 §4). `public_key` is a COSE key; `sign_count` never decreases.

    `aaguid` says which authenticator made the passkey, without proof. `last_used_at` is null before the first use.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys")
    credential_id = models.BinaryField(max_length=MAX_CREDENTIAL_ID_BYTES, unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField()
    aaguid = models.UUIDField()
    transports = models.JSONField(default=list)
    backup_eligible = models.BooleanField()
    backed_up = models.BooleanField()
    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH)
    created_at = models.DateTimeField(_("created at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")

    def __str__(self) -> str:
        return self.name

    @property
    def amr(self) -> str:
        """Return the value of the authentication context (RFC 8176): a key in software if it can be backed up."""
        return "swk" if self.backup_eligible else "hwk"


class PasskeyHandle(models.Model):
    """The user handle (WebAuthn Level 3 §5.4.3): random bytes, because authenticators show it before user verification."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="passkey_handle"
    )
    handle = models.BinaryField(max_length=USER_HANDLE_BYTES, unique=True)

    class Meta:
        verbose_name = _("passkey user handle")
        verbose_name_plural = _("passkey user handles")

    def __str__(self) -> str:
        return str(self.user_id)


class UsedChallenge(models.Model):
    """A challenge that a registration, a sign-up or a step-up used up. After `expires_at` the challenge is invalid anyway."""

    id = models.UUIDField(primary_key=True, editable=False)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("used passkey challenge")
        verbose_name_plural = _("used passkey challenges")

    def __str__(self) -> str:
        return str(self.id)
