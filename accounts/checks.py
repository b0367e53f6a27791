"""The deployment checks of the accounts' settings."""

from django.conf import settings
from django.core import checks

from core.checks import CheckMessages, deployment_check

_MIN_BCRYPT_ROUNDS = 10


@deployment_check
def check_enumeration() -> CheckMessages:
    if not settings.PREVENT_ENUMERATION:
        message = "PREVENT_ENUMERATION is off: register and resend reveal whether an email has an account."
        hint = "Set PREVENT_ENUMERATION=on, unless your clients rely on email_taken and user_not_found."
        yield checks.Warning(message, hint=hint, id="vestibule.W001")


@deployment_check
def check_common_passwords() -> CheckMessages:
    validators: list[dict[str, str]] = settings.AUTH_PASSWORD_VALIDATORS  # type: ignore[assignment]
    if not any(validator["NAME"].endswith(".CommonPasswordValidator") for validator in validators):
        message = "Common passwords are accepted, which attackers try first."
        yield checks.Warning(message, hint="Set PASSWORD_REJECT_COMMON=on.", id="vestibule.W002")


@deployment_check
def check_limits() -> CheckMessages:
    if not settings.RATE_LIMITS:
        message = "RATE_LIMITS is off: nothing slows down password guessing or mail flooding."
        yield checks.Warning(message, hint="Set RATE_LIMITS=on.", id="vestibule.W003")


@deployment_check
def check_hash_cost() -> CheckMessages:
    if settings.BCRYPT_ROUNDS < _MIN_BCRYPT_ROUNDS:
        message = f"BCRYPT_ROUNDS is {settings.BCRYPT_ROUNDS}: stolen hashes can be attacked fast."
        yield checks.Warning(message, hint="Leave BCRYPT_ROUNDS at 12, or more.", id="vestibule.W004")
