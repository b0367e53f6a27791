"""The app's configuration in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsTrackingConfig(AppConfig):
    name = "sessions_tracking"
    verbose_name = _("Sessions")
    former_migrations = ("0001_initial",)
