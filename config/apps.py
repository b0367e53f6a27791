"""The name of the deployment's own app in Django."""

from importlib import import_module

from django.apps import AppConfig


class DeploymentConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        import_module("config.checks")  # its checks register themselves
