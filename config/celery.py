"""The Celery application: `celery -A config.celery worker`."""

import os

from celery import Celery

from core.task_queue import redis_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

redis_transport.install()
app = Celery("vestibule")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["accounts", "accounts.mail"])
