"""The deployment checks of the passkeys' settings."""

from django.conf import settings
from django.core import checks

from core.checks import CheckMessages, deployment_check
from core.environment import relying_party


@deployment_check
def check_rp_id() -> CheckMessages:
    """The default is the host of a URL, which may be an IP or a name without a dot."""
    if not relying_party.is_public(settings.WEBAUTHN_RP_ID):
        message = f"Browsers on other computers allow no passkeys for the RP ID {settings.WEBAUTHN_RP_ID}."
        hint = "Name the domain of your pages: WEBAUTHN_RP_ID=example.com"
        yield checks.Warning(message, hint=hint, id="vestibule.W011")


@deployment_check
def check_origins() -> CheckMessages:
    """A native app proves its domain otherwise."""
    web = [origin for origin in settings.WEBAUTHN_ORIGINS if origin.startswith(("https:", "http:"))]
    related = [origin for origin in web if not relying_party.is_under(origin, rp_id=settings.WEBAUTHN_RP_ID)]
    if related:
        message = f"Not every browser allows passkeys of {settings.WEBAUTHN_RP_ID} at {', '.join(related)}."
        hint = (
            "Choose a WEBAUTHN_RP_ID that all your sites are subdomains of. If they have no common domain, serve "
            f"https://{settings.WEBAUTHN_RP_ID}/.well-known/webauthn, and silence this check."
        )
        yield checks.Warning(message, hint=hint, id="vestibule.W012")
