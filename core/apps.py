"""The platform as a Django app: its checks, commands and static files."""

from importlib import import_module

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        import_module("core.checks")  # its checks register themselves
