"""Email: `EMAIL_URL` selects the transport. In development, email goes to the mailbox at /dev/mailbox."""

from datetime import timedelta
from typing import Any

from config.settings.debug import DEBUG
from core.environment import email_sender, env
from core.environment.email_url import email_settings
from core.environment.web_origins import canonical_host
from core.paths import var_dir
from core.web_server import bind_address

_DEVELOPMENT = "mailbox://"
_EMAIL: dict[str, Any] = email_settings(env.text("EMAIL_URL", _DEVELOPMENT if DEBUG else None), debug=DEBUG)

EMAIL_BACKEND: str = _EMAIL["EMAIL_BACKEND"]
EMAIL_HOST: str = _EMAIL.get("EMAIL_HOST", "localhost")
EMAIL_PORT: int = _EMAIL.get("EMAIL_PORT", 25)
EMAIL_HOST_USER: str = _EMAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD: str = _EMAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS: bool = _EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH: str | None = _EMAIL.get("EMAIL_FILE_PATH")
EMAIL_TIMEOUT = 10
ANYMAIL: dict[str, Any] = _EMAIL.get("ANYMAIL", {})

_DEVELOPMENT_SENDER = "Vestibule <no-reply@localhost>"
DEFAULT_FROM_EMAIL = env.parsed(
    "DEFAULT_FROM_EMAIL", _DEVELOPMENT_SENDER if DEBUG else None, email_sender.sender, email_sender.EXPECTED
)
MAILBOX_DIR = var_dir() / "mailbox" if DEBUG else None


def _own_url() -> str:
    host = env.parsed("HOST", "127.0.0.1", canonical_host, "a host name or an address, such as 127.0.0.1 or ::1").strip(
        "[]"
    )
    if env.text("HOST", "").startswith("["):
        raise env.BadVariable("HOST", "must be an address without brackets")
    return bind_address.url(host, env.integer("PORT", 8000, minimum=1, maximum=65_535))


# The links in emails are built only from these two, never from the Host header of a request.
PUBLIC_URL = env.site("PUBLIC_URL", _own_url() if DEBUG else "")
FRONTEND_URL = env.url("FRONTEND_URL", PUBLIC_URL)
if not FRONTEND_URL:
    raise env.BadVariable(
        "FRONTEND_URL", "is not set, nor is PUBLIC_URL; the links in emails need one of them when DEBUG is off"
    )
PUBLIC_URL = PUBLIC_URL or FRONTEND_URL

WAKE_WORKER_ON_COMMIT = True
# The minimum time between two security notices of one kind to one recipient.
NOTICE_PAUSE = timedelta(minutes=1)
# After this time another worker may claim an email, because the first worker may have been killed while sending.
EMAIL_CLAIM_TIMEOUT = timedelta(minutes=2)
# Doubled after each further attempt.
EMAIL_RETRY_FIRST_DELAY = timedelta(seconds=10)
