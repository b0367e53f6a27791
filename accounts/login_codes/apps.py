"""Sign-in by an emailed code or link: an optional capability, and all of it is in this folder."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoginCodesConfig(AppConfig):
    name = "accounts.login_codes"
    label = "login_codes"
    verbose_name = _("Sign-in by email")

    def ready(self) -> None:
        import_module("accounts.login_codes.registration").register()
