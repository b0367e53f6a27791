"""The task that beat runs daily: one call of a service."""

from celery import shared_task

from accounts.services.cleanup import remove_over


@shared_task(name="accounts.cleanup_tokens")
def cleanup_tokens() -> dict[str, int]:
    return remove_over()
