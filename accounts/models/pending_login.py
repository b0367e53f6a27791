"""A login that waits for its second factor."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class LoginSurface(models.TextChoices):
    API = "api", _("API")
    ADMIN = "admin", _("admin")


class PendingLogin(models.Model):
    """A sign-in whose password was right. It is no session: all it opens is one chance to give the second factor.

    `bound_to` is a keyed hash of the password that was given: the challenge dies when that changes. `wishes` are what the
    client asked of its session. `door` is where the sign-in began, and the only place where it may end.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mfa_challenges")
    door = models.CharField(max_length=8, choices=LoginSurface)
    bound_to = models.CharField(max_length=64)
    wishes = models.JSONField(default=dict)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sign-in waiting for the second factor")
        verbose_name_plural = _("sign-ins waiting for the second factor")
        indexes = (models.Index(fields=["expires_at"], name="mfa_challenge_expiry"),)

    def __str__(self) -> str:
        return str(self.id)
