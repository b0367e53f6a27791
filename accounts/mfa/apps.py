"""Two-factor authentication as a Django app of its own: it can be left out of INSTALLED_APPS."""

from django.apps import AppConfig


class MfaConfig(AppConfig):
    name = "accounts.mfa"
    label = "mfa"
