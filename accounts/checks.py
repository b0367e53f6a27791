"""What `manage.py check --deploy` says of the accounts' settings."""

from django.conf import settings
from django.core import checks

from core.checks import Found, deployment_check

_CHEAPEST_HASH = 10


@deployment_check
def check_enumeration() -> Found:
    if not settings.PREVENT_ENUMERATION:
        message = "PREVENT_ENUMERATION is off: register and resend tell whether an address has an account."
        hint = "Set PREVENT_ENUMERATION=on, unless your clients rely on email_taken and user_not_found."
        yield checks.Warning(message, hint=hint, id="vestibule.W001")


@deployment_check
def check_common_passwords() -> Found:
    validators: list[dict[str, str]] = settings.AUTH_PASSWORD_VALIDATORS  # type: ignore[assignment]
    if not any(validator["NAME"].endswith(".CommonPasswordValidator") for validator in validators):
        message = "Common passwords are accepted, which are the first that anybody tries."
        yield checks.Warning(message, hint="Set PASSWORD_REJECT_COMMON=on.", id="vestibule.W002")


@deployment_check
def check_limits() -> Found:
    if not settings.RATE_LIMITS:
        message = "RATE_LIMITS is off: nothing slows down who guesses passwords or floods mailboxes."
        yield checks.Warning(message, hint="Set RATE_LIMITS=on.", id="vestibule.W003")


@deployment_check
def check_hash_cost() -> Found:
    if settings.BCRYPT_ROUNDS < _CHEAPEST_HASH:
        message = f"BCRYPT_ROUNDS is {settings.BCRYPT_ROUNDS}: whoever steals the hashes tries passwords fast."
        yield checks.Warning(message, hint="Leave BCRYPT_ROUNDS at 12, or more.", id="vestibule.W004")
