"""`accounts.testing.worker_settings`, with a claim timeout that no slow machine reaches, for tests that kill no worker."""

from datetime import timedelta

from accounts.testing.worker_settings import *  # noqa: F403

EMAIL_CLAIM_TIMEOUT = timedelta(minutes=1)
