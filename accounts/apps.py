"""The app's name in Django."""

import sys
from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")
    former_migrations = ("0001_initial",)

    def ready(self) -> None:
        import_module("accounts.checks")  # its checks register themselves
        import_module("accounts.tokens.keys.checks")
        import_module("accounts.services.sign_in_methods").register()
        import_module("accounts.api.password_step_up").register()
        import_module("accounts.mail.outbox_health")  # registers its report to /readyz and /metrics
        if settings.JWT_PRIVATE_KEYS and "rotate_keys" not in sys.argv:  # which makes the first key, or mends them
            import_module("accounts.tokens.keys.ring").current()
