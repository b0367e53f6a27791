"""The mail task: one call of a service. It has no arguments, so the broker holds no personal data.

A send that takes a minute (a mail server may respond byte by byte) is interrupted and retried later. The hard limit is below
EMAIL_CLAIM_TIMEOUT, so that no two workers ever send the same row.
"""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from accounts.mail.delivery import deliver_due
from core.observability import heartbeat


@worker_ready.connect
def record_heartbeat(**_event: Any) -> None:
    """Let /readyz see the worker right after its start; the first sweep of beat comes some seconds later."""
    heartbeat.beat()


@shared_task(name="accounts.deliver_outbox", soft_time_limit=60, time_limit=90)
def deliver_outbox() -> int:
    heartbeat.beat()
    return deliver_due()
