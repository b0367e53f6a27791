"""As `accounts.testing.worker_settings`, with a lease that no slow machine outlasts, for tests in which nobody is killed."""

from datetime import timedelta

from accounts.testing.worker_settings import *  # noqa: F403

EMAIL_CLAIM_TIMEOUT = timedelta(minutes=1)
