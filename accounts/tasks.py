"""The tasks that beat runs daily and hourly: one call of a service each."""

from celery import shared_task

from accounts.services import figures
from accounts.services.cleanup import remove_over


@shared_task(name="accounts.cleanup_tokens")
def cleanup_tokens() -> dict[str, int]:
    return remove_over()


@shared_task(name="accounts.take_reading")
def take_reading() -> None:
    figures.take_reading()
