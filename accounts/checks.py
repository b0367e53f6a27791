"""What `manage.py check --deploy` says of the accounts' settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - the name is Django's


@register(Tags.security, deploy=True)
def check_enumeration(**_options: Any) -> list[CheckMessage]:
    if settings.PREVENT_ENUMERATION or settings.DEBUG:
        return []
    return [
        Warning(
            "PREVENT_ENUMERATION is off: register and resend tell whether an address has an account.",
            hint="Set PREVENT_ENUMERATION=on, unless your clients rely on email_taken and user_not_found.",
            id="accounts.W001",
        )
    ]
