"""The mail task: one call of a service. It carries no arguments, so nothing of anybody is in the broker.

A send that takes a minute (a mail server may dribble for ever) is given up and put off. The hard limit lies below
EMAIL_LEASE, so that whoever takes over a row finds nobody at work on it.
"""

from celery import shared_task

from accounts.mail.delivery import deliver_waiting


@shared_task(name="accounts.deliver_outbox", soft_time_limit=60, time_limit=90)
def deliver_outbox() -> int:
    return deliver_waiting()
