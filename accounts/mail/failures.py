"""Classifies the errors of mail servers and providers: permanent, temporary, or a fault of this deployment's configuration."""

import smtplib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from anymail.exceptions import AnymailConfigurationError, AnymailError, AnymailRecipientsRefused

_SMTP_AUTHENTICATION = {530, 534, 535, 538}
_SMTP_PERMANENT = set(range(500, 600)) - _SMTP_AUTHENTICATION
# The provider rejects this message or this recipient, and would reject it again. Some providers pass on the SMTP status of
# the recipient's server (550-554); any other HTTP status from 500 on means only that the provider has a problem.
_HTTP_PERMANENT = {400, 406, 410, 413, 422, 550, 551, 552, 553, 554}
# A wrong key or region, or an account that is unpaid or unconfirmed: an operator can fix it, and the email is still needed.
_HTTP_CONFIGURATION = {401, 402, 403, 404, 405}
# If a provider requires a longer delay, the email is retried after this one nevertheless: it fails after three days.
MAX_RETRY_AFTER = timedelta(days=1)


def is_permanent(error: Exception) -> bool:
    """Return whether another attempt is useless (RFC 5321 §4.2.1, RFC 9110 §15.5).

    A rejected sender or rejected credentials are temporary errors, of the configuration: see `is_configuration`.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in _SMTP_PERMANENT for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code in _SMTP_PERMANENT
    return isinstance(error, AnymailRecipientsRefused) or _http_status(error) in _HTTP_PERMANENT


def is_configuration(error: Exception) -> bool:
    """Return whether an operator has to act before any email can be sent."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(code in _SMTP_AUTHENTICATION for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPSenderRefused):
        return error.smtp_code in _SMTP_PERMANENT | _SMTP_AUTHENTICATION
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code in _SMTP_AUTHENTICATION
    return isinstance(error, AnymailConfigurationError) or _http_status(error) in _HTTP_CONFIGURATION


def retry_after(error: Exception) -> timedelta | None:
    """Return the delay that a provider requires (Retry-After, in seconds or as a date), at most MAX_RETRY_AFTER."""
    response = getattr(error, "response", None)
    value = response.headers.get("Retry-After", "").strip() if response is not None else ""
    if value.isascii() and value.isdecimal():
        return min(timedelta(seconds=min(int(value[:9]), MAX_RETRY_AFTER.total_seconds())), MAX_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(value)
        wait = until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta()), MAX_RETRY_AFTER)


def describe(error: Exception) -> str:
    """Return the kind of error and its status. The text of a response is left out: it may quote the email or the code."""
    code = getattr(error, "smtp_code", None) or getattr(error, "status_code", None)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = ", ".join(str(status) for status, _ in error.recipients.values())
    if code is None and isinstance(error, AnymailError) and error.__cause__ is not None:
        code = type(error.__cause__).__name__  # a network error
    return f"{type(error).__name__} {code or ''}".strip()


def _http_status(error: Exception) -> int | None:
    return error.status_code if isinstance(error, AnymailError) else None
