"""Reads `EMAIL_URL` into Django's and Anymail's settings."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from config import env

# Scheme of the address -> (Anymail's backend, the settings it needs, each read from the variable of the same name).
_PROVIDERS = {
    "resend": ("resend", ("RESEND_API_KEY",)),
    "sendgrid": ("sendgrid", ("SENDGRID_API_KEY",)),
    "postmark": ("postmark", ("POSTMARK_SERVER_TOKEN",)),
    "mailgun": ("mailgun", ("MAILGUN_API_KEY", "MAILGUN_SENDER_DOMAIN")),
    "mailjet": ("mailjet", ("MAILJET_API_KEY", "MAILJET_SECRET_KEY")),
    "brevo": ("brevo", ("BREVO_API_KEY",)),
    "mandrill": ("mandrill", ("MANDRILL_API_KEY",)),
    "sparkpost": ("sparkpost", ("SPARKPOST_API_KEY",)),
    "mailersend": ("mailersend", ("MAILERSEND_API_TOKEN",)),
    "scaleway": ("scaleway", ("SCALEWAY_SECRET_KEY", "SCALEWAY_PROJECT_ID")),
}
_SMTP = {"smtp": {}, "smtp+tls": {"EMAIL_USE_TLS": True}, "smtp+ssl": {"EMAIL_USE_SSL": True}}
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
_FORMS = "console://, file:///folder, smtp://user:password@host:port, smtp+tls://…, smtp+ssl://… or a provider such as resend://"


def settings_of(url: str, *, debug: bool) -> dict[str, Any]:
    """The email settings that the address stands for; the address may hold a password and is never shown in an error."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # it may quote the password
        raise env.BadVariable("EMAIL_URL", f"cannot be read; write {_FORMS}") from None
    if parts.scheme in _SMTP:
        return _smtp(parts, port)
    if parts.scheme in _PROVIDERS:
        return _provider(parts.scheme)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "file" and parts.path:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(Path(unquote(parts.path))),
        }
    if parts.scheme == "mailbox" and debug:
        return {"EMAIL_BACKEND": "config.mailbox.backend.EmailBackend"}
    raise env.BadVariable("EMAIL_URL", f"must be {_FORMS}")


def _smtp(parts: SplitResult, port: int | None) -> dict[str, Any]:
    if not parts.hostname:
        raise env.BadVariable("EMAIL_URL", "names no host; write smtp://user:password@host:port")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        **_SMTP[parts.scheme],
    }


def _provider(scheme: str) -> dict[str, Any]:
    module, variables = _PROVIDERS[scheme]
    return {
        "EMAIL_BACKEND": f"anymail.backends.{module}.EmailBackend",
        "ANYMAIL": {name: env.text(name) for name in variables} | {"REQUESTS_TIMEOUT": (5, 15)},
    }
