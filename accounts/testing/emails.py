"""Reads codes and tokens out of emails."""

import re
from urllib.parse import parse_qs, urlsplit

from django.core.mail import EmailMessage


def code_in(message: EmailMessage) -> str:
    """The six-digit code of an email, outside its links."""
    found = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", str(message.body)))
    assert found, message.body
    return found[1]


def token_in(message: EmailMessage) -> str:
    """The token of the link in an email."""
    found = re.search(r"https?://\S+[?&]token=\S+", str(message.body))
    assert found, message.body
    return parse_qs(urlsplit(found[0]).query)["token"][0]
