"""Django's admin as this deployment installs it: with a site of its own, whose sign-in keeps the rules of the API."""

from django.contrib.admin.apps import AdminConfig


class GuardedAdminConfig(AdminConfig):
    default_site = "accounts.admin_site.site.GuardedAdminSite"
