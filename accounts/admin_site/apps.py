"""Django's admin as an app whose default site is MfaAdminSite."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class MfaAdminConfig(AdminConfig):
    default_site = "accounts.admin_site.site.MfaAdminSite"

    def ready(self) -> None:
        super().ready()
        import_module("accounts.admin_site.recent_proof")  # its receiver of Django's login signal
