"""An SMTP server that gives scripted responses at each command, then accepts."""

from email import message_from_bytes
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from django.core.mail import EmailMessage


class ScriptedServer:
    """`responses` are (SMTP command, response), in order; `offered` are the messages received, whether accepted or not."""

    def __init__(self) -> None:
        self.responses: list[tuple[str, str]] = []
        self.offered: list[EmailMessage] = []

    def _next_response(self, command: str) -> str | None:
        return self.responses.pop(0)[1] if self.responses and self.responses[0][0] == command else None

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.mail_from = address
        return self._next_response("MAIL") or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.rcpt_tos.append(address)
        return self._next_response("RCPT") or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.offered.append(_read(envelope))
        return self._next_response("DATA") or "250 OK"


def _read(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    parsed = message_from_bytes(envelope.content, policy=default)
    plain, headers = parsed.get_body(("plain",)), {name: str(value) for name, value in parsed.items()}
    assert plain is not None
    return EmailMessage(headers["Subject"], plain.get_content(), to=envelope.rcpt_tos, headers=headers)
