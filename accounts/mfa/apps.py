"""Two-factor authentication by authenticator app and recovery codes: an optional capability, and all of it is in this folder."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MfaConfig(AppConfig):
    name = "accounts.mfa"
    label = "mfa"
    verbose_name = _("Two-factor authentication")

    def ready(self) -> None:
        import_module("accounts.mfa.registration").register()
        import_module("accounts.mfa.checks")  # its check registers itself
