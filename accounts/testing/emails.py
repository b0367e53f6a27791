"""Extracts codes and tokens from emails."""

import re
from urllib.parse import parse_qs, urlsplit

from django.core.mail import EmailMessage


def code_in(message: EmailMessage) -> str:
    """Return the six-digit code outside of links."""
    match = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", str(message.body)))
    assert match, message.body
    return match[1]


def token_in(message: EmailMessage) -> str:
    """Return the token of the link."""
    match = re.search(r"https?://\S+[?&]token=\S+", str(message.body))
    assert match, message.body
    return parse_qs(urlsplit(match[0]).query)["token"][0]
