"""Django's admin as an app whose default site is MfaAdminSite."""

from django.contrib.admin.apps import AdminConfig


class MfaAdminConfig(AdminConfig):
    default_site = "accounts.admin_site.site.MfaAdminSite"
