"""Requests of the recovery from a lost second factor, and the links in its email."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.mail import EmailMessage

from accounts.testing.api_client import ApiClient

BEGUN = "Someone asked to turn off two-factor authentication"
STOPPED = "Two-factor authentication stays on"
COMPLETED = "Two-factor authentication was turned off"


def begin(mfa_token: str, client: ApiClient | None = None) -> Any:
    return (client or ApiClient()).post("/mfa/recovery", {"mfaToken": mfa_token})


def complete(token: str) -> Any:
    return ApiClient().post("/mfa/recovery/complete", {"token": token})


def cancel(token: str) -> Any:
    return ApiClient().post("/mfa/recovery/cancel", {"token": token})


def tokens_in(messages: Sequence[EmailMessage]) -> tuple[str, str]:
    """Return the tokens of the two links, to complete and to stop, of the last recovery begun."""
    body = [str(message.body) for message in messages if message.subject == BEGUN][-1]
    links = {urlsplit(line).path: line for line in body.splitlines() if line.startswith("http") and "token=" in line}
    return _token(links["/recovery"]), _token(links["/recovery/stop"])


def _token(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]
