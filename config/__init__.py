"""The configuration of this deployment. Nothing imports it."""

from config.celery import app as celery_app

# Celery's `current_app` is this application in every process, also in commands.
__all__ = ["celery_app"]
