"""As `patient_worker_settings`, for a mail server that never answers."""

from tests.faults.patient_worker_settings import *  # noqa: F403

EMAIL_TIMEOUT = 1
