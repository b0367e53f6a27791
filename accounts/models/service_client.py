"""A service that may introspect and revoke tokens. It authenticates with an id and a secret."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class ServiceClient(models.Model):
    """The id is the `client_id`. The secret, 256 random bits, is shown once; only a keyed hash of it is stored."""

    id = models.UUIDField(_("client id"), primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=100)
    secret_hash = models.CharField(max_length=64, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("service client")
        verbose_name_plural = _("service clients")

    def __str__(self) -> str:
        return self.name
