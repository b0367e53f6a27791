"""Passkeys (WebAuthn Level 3): an optional capability, and all of it is in this folder."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PasskeysConfig(AppConfig):
    name = "accounts.passkeys"
    label = "passkeys"
    verbose_name = _("Passkeys")

    def ready(self) -> None:
        import_module("accounts.passkeys.registration").register()
        import_module("accounts.passkeys.checks")  # its checks register themselves
