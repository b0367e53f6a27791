"""`long_claim_worker_settings`, with a short SMTP timeout for a mail server that never responds."""

from tests.faults.long_claim_worker_settings import *  # noqa: F403

EMAIL_TIMEOUT = 1
