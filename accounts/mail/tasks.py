"""The mail task: one call of a service. It carries no arguments, so nothing of anybody is in the broker.

A send that takes a minute (a mail server may dribble for ever) is given up and put off. The hard limit lies below
EMAIL_LEASE, so that whoever takes over a row finds nobody at work on it.
"""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from accounts.mail.delivery import deliver_waiting
from core.observability import heartbeat


@worker_ready.connect
def say_that_it_is_there(**_about_it: Any) -> None:
    """Beat's first sweep comes some seconds later; whoever looks at /readyz right after the start should not miss it."""
    heartbeat.beat()


@shared_task(name="accounts.deliver_outbox", soft_time_limit=60, time_limit=90)
def deliver_outbox() -> int:
    heartbeat.beat()
    return deliver_waiting()
