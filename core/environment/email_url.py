"""Reads `EMAIL_URL` into Django's and Anymail's settings."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from core.environment import env
from core.environment.secret_strength import is_sample
from core.environment.web_origins import canonical_host

# Scheme of the URL -> (Anymail's backend, the settings it needs, each read from the variable of the same name).
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
# Only port 465 uses implicit TLS (RFC 8314 section 7.3). With the wrong scheme each email would time out.
_PORTS_OF_OTHER_SCHEMES = {"smtp": {465}, "smtp+tls": {465}, "smtp+ssl": {25, 587}}
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
_FORMS = "console://, file:///folder, smtp://user:password@host:port, smtp+tls://…, smtp+ssl://… or a provider such as resend://"


def email_settings(url: str, *, debug: bool) -> dict[str, Any]:
    """Return the email settings that EMAIL_URL stands for. Errors never quote the URL, which may contain a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its message may quote the password
        raise env.BadVariable("EMAIL_URL", f"cannot be read; write {_FORMS}") from None
    if "?" in url or "#" in url:  # urlsplit would drop the rest of a folder or a password
        raise env.BadVariable("EMAIL_URL", "has a ? or # that is not escaped; write %3F or %23")
    if parts.scheme in _SMTP:
        return _smtp(parts, port)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return _folder(Path(unquote(parts.path)))
    if parts.scheme in _PROVIDERS:
        _refuse_authority_and_path(parts)
        return _provider(parts.scheme, debug=debug)
    if parts.scheme == "console":
        _refuse_authority_and_path(parts)
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "mailbox" and debug:
        return {"EMAIL_BACKEND": "core.dev.mailbox.backend.EmailBackend"}
    raise env.BadVariable("EMAIL_URL", f"must be {_FORMS}")


def _refuse_authority_and_path(parts: SplitResult) -> None:
    """Anymail would ignore a key in the URL."""
    if parts.netloc or parts.path.strip("/"):
        problem = f"must be {parts.scheme}:// without anything after it; the key of a provider has its own variable"
        raise env.BadVariable("EMAIL_URL", problem)


def _smtp(parts: SplitResult, port: int | None) -> dict[str, Any]:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):  # Django would skip the login, and the server would refuse each email
        raise env.BadVariable("EMAIL_URL", "needs both a user and a password, or neither")
    if not (user + password).isascii() or not (user + password).isprintable():
        # smtplib encodes both as ASCII for PLAIN, LOGIN and CRAM-MD5; otherwise each email would fail.
        raise env.BadVariable(
            "EMAIL_URL", "has a user or password with characters outside ASCII, which SMTP cannot send"
        )
    try:
        host = canonical_host(unquote(parts.hostname or "")).strip("[]")
    except ValueError:
        raise env.BadVariable("EMAIL_URL", "names no host; write smtp://user:password@host:port") from None
    if parts.path.strip("/") or port == 0:
        raise env.BadVariable("EMAIL_URL", "must end with host or port; in a password write %2F for a slash")
    if port in _PORTS_OF_OTHER_SCHEMES[parts.scheme]:
        raise env.BadVariable(
            "EMAIL_URL", "has the port of the other kind of TLS; write smtp+ssl:// for 465, smtp+tls:// for 587"
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
    """Check that the nearest existing parent is writable; the backend creates the folder with the first email."""
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
    """Return a credential that can be sent in a header or a path."""
    value = env.text(name)
    if name.endswith("_DOMAIN"):
        return env.parsed(name, None, canonical_host, "the name of a domain, such as mg.example.com")
    if not value.isascii() or " " in value:
        raise env.BadVariable(name, "has characters that cannot be sent to the provider: use ASCII without spaces")
    if not debug and is_sample(value):
        raise env.BadVariable(name, "is a sample from the documentation; use your own")
    return value
