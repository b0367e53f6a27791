"""The mail task: one call of a service. It carries no arguments, so nothing of anybody is in the broker."""

from celery import shared_task

from accounts.mail.delivery import deliver_waiting


@shared_task(name="accounts.deliver_outbox")
def deliver_outbox() -> int:
    return deliver_waiting()
