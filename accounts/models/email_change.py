"""An email change that a user requested: pending until the new email is proven, undone by a link sent to the old one."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class EmailChangeQuerySet(models.QuerySet["EmailChange"]):
    def open(self) -> "EmailChangeQuerySet":
        """Return the changes that were neither undone nor closed."""
        return self.filter(undone_at=None, closed_at=None)

    def pending(self) -> "EmailChangeQuerySet":
        return self.open().filter(confirmed_at=None, superseded_at=None)

    def undoable(self, now: datetime) -> "EmailChangeQuerySet":
        return self.open().filter(undo_expires_at__gt=now, old_email_key__isnull=False)


class EmailChange(models.Model):
    """The row holds neither the code nor the token of its link: both are derived from its id with the server's key.

    `superseded_at`: the user requested another change. This one can no longer be confirmed, but its link still undoes both.
    `closed_at`: an administrator set the email, or an earlier change was undone. The link of this one is invalid.
    `code_expires_at` is None until the code is sent.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="email_changes")
    old_email = models.CharField(max_length=254, null=True)
    old_email_key = models.CharField(max_length=320, null=True)
    new_email = models.CharField(max_length=254)
    new_email_key = models.CharField(max_length=320)
    requested_at = models.DateTimeField()
    code_expires_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    undo_expires_at = models.DateTimeField()

    objects = EmailChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("email change")
        verbose_name_plural = _("email changes")
        indexes = (
            models.Index(fields=["user", "requested_at"], name="email_change_of_user"),
            models.Index(fields=["undo_expires_at"], name="email_change_expiry"),
        )

    def __str__(self) -> str:
        return str(self.id)
