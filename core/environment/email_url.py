"""Reads `EMAIL_URL` into Django's and Anymail's settings."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from core.environment import env
from core.environment.secret_strength import is_sample
from core.environment.web_origins import canonical_host

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
# Implicit TLS is spoken at 465 alone (RFC 8314 section 7.3): with the wrong scheme each email would wait for an answer in vain.
_PORTS_OF_OTHERS = {"smtp": {465}, "smtp+tls": {465}, "smtp+ssl": {25, 587}}
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
_FORMS = "console://, file:///folder, smtp://user:password@host:port, smtp+tls://…, smtp+ssl://… or a provider such as resend://"


def settings_of(url: str, *, debug: bool) -> dict[str, Any]:
    """The email settings that the address stands for; the address may hold a password and is never shown in an error."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # it may quote the password
        raise env.BadVariable("EMAIL_URL", f"cannot be read; write {_FORMS}") from None
    if "?" in url or "#" in url:  # what follows it would be dropped, be it of a folder or of a password
        raise env.BadVariable("EMAIL_URL", "has a ? or # that is not escaped; write %3F or %23")
    if parts.scheme in _SMTP:
        return _smtp(parts, port)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return _folder(Path(unquote(parts.path)))
    if parts.scheme in _PROVIDERS:
        _refuse_more(parts)
        return _provider(parts.scheme, debug=debug)
    if parts.scheme == "console":
        _refuse_more(parts)
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "mailbox" and debug:
        return {"EMAIL_BACKEND": "core.dev.mailbox.backend.EmailBackend"}
    raise env.BadVariable("EMAIL_URL", f"must be {_FORMS}")


def _refuse_more(parts: SplitResult) -> None:
    """A key in the address would be ignored."""
    if parts.netloc or parts.path.strip("/"):
        problem = f"must be {parts.scheme}:// and no more; a provider's key has a variable of its own"
        raise env.BadVariable("EMAIL_URL", problem)


def _smtp(parts: SplitResult, port: int | None) -> dict[str, Any]:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):  # Django would then not sign in at all, and the server refuse each email
        raise env.BadVariable("EMAIL_URL", "needs both a user and a password, or neither")
    if not (user + password).isascii() or not (user + password).isprintable():
        # smtplib encodes both as ASCII for PLAIN, LOGIN and CRAM-MD5, and fails at each email otherwise.
        raise env.BadVariable(
            "EMAIL_URL", "has a user or password with characters outside ASCII, which SMTP cannot send"
        )
    try:
        host = canonical_host(unquote(parts.hostname or "")).strip("[]")
    except ValueError:
        raise env.BadVariable("EMAIL_URL", "names no host; write smtp://user:password@host:port") from None
    if parts.path.strip("/") or port == 0:
        raise env.BadVariable("EMAIL_URL", "must end with host or port; in a password write %2F for a slash")
    if port in _PORTS_OF_OTHERS[parts.scheme]:
        raise env.BadVariable(
            "EMAIL_URL", "has a port of the other kind of TLS; write smtp+ssl:// for 465, smtp+tls:// for 587"
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        **_SMTP[parts.scheme],
    }


def _folder(folder: Path) -> dict[str, Any]:
    """The backend makes it with the first email, if the nearest folder above that exists can be written."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise env.BadVariable("EMAIL_URL", f"names a folder that cannot be written: {folder}")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(folder),
    }


def _provider(scheme: str, *, debug: bool) -> dict[str, Any]:
    module, variables = _PROVIDERS[scheme]
    return {
        "EMAIL_BACKEND": f"anymail.backends.{module}.EmailBackend",
        "ANYMAIL": {name: _credential(name, debug=debug) for name in variables} | {"REQUESTS_TIMEOUT": (5, 15)},
    }


def _credential(name: str, *, debug: bool) -> str:
    """It is sent in a header or a path."""
    value = env.text(name)
    if name.endswith("_DOMAIN"):
        return env.parsed(name, None, canonical_host, "the name of a domain, such as mg.example.com")
    if not value.isascii() or " " in value:
        raise env.BadVariable(name, "has characters that the provider's API cannot be sent: use ASCII without blanks")
    if not debug and is_sample(value):
        raise env.BadVariable(name, "is a sample from a document; write your own")
    return value
