"""An SMTP server that stores the messages that it accepts, and responds as a test configures it."""

import email
import email.policy
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from core.web_server.bind_address import free_port

OK = "250 OK"
Response = Callable[[], str]


class MailServer:
    """`accepted` holds the messages by recipient; `responses` are those to the recipient's next deliveries, before 250 OK."""

    def __init__(self) -> None:
        self.accepted: dict[str, list[EmailMessage]] = defaultdict(list)
        self.attempts: dict[str, int] = defaultdict(int)
        self.responses: dict[str, list[Response]] = defaultdict(list)
        self.url = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        recipient = envelope.rcpt_tos[0]
        self.attempts[recipient] += 1
        responses = self.responses[recipient]
        response = responses.pop(0)() if responses else OK
        if response == OK:
            content = envelope.original_content or b""
            self.accepted[recipient].append(
                email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
            )
        return response


@contextmanager
def listening(**options: Any) -> Iterator[MailServer]:
    """Run a server on a free port. `options` go to aiosmtpd's controller, for TLS."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    server.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield server
    finally:
        controller.stop()


def plain_text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return str(body.get_content())
