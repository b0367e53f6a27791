"""A login whose password was correct and that waits for its second factor."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class LoginSurface(models.TextChoices):
    """The login form that a login began at, and the only one that may complete it."""

    API = "api", _("API")
    ADMIN = "admin", _("admin")


class PendingLogin(models.Model):
    """Not a session: it gives access to nothing but a limited number of attempts at the second factor.

    `binding` is a keyed hash of the password hash, so that a changed password invalidates the pending login.
    `amr` has the values that the first factor proved, separated by blanks.
    `session_options` are what the client requested for its session.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pending_logins")
    surface = models.CharField(max_length=8, choices=LoginSurface)
    binding = models.CharField(max_length=64)
    amr = models.CharField(max_length=64, default="pwd", db_default="pwd")
    session_options = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("pending login")
        verbose_name_plural = _("pending logins")
        indexes = (models.Index(fields=["expires_at"], name="pending_login_expiry"),)

    def __str__(self) -> str:
        return str(self.id)
