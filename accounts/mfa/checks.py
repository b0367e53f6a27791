"""The deployment check of the recovery from a lost second factor."""

from datetime import timedelta

from django.conf import settings
from django.core import checks

from core.checks import CheckMessages, deployment_check

_MIN_RECOVERY_DELAY = timedelta(hours=1)


@deployment_check
def check_recovery_delay() -> CheckMessages:
    delay = settings.RECOVERY_DELAY
    if delay is not None and delay < _MIN_RECOVERY_DELAY:
        message = f"RECOVERY_DELAY is {delay}: users have little time to stop the removal of their second factors."
        hint = "Leave RECOVERY_DELAY at 24h, or set it to at least 1h."
        yield checks.Warning(message, hint=hint, id="vestibule.W013")
