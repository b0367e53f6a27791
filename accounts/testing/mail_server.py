"""A real SMTP listener that keeps what it accepts and refuses what a test tells it to."""

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
Answer = Callable[[], str]


class MailServer:
    """`accepted` holds the messages for each address; `answers` what the next deliveries to it are told instead of 250."""

    def __init__(self) -> None:
        self.accepted: dict[str, list[EmailMessage]] = defaultdict(list)
        self.tries: dict[str, int] = defaultdict(int)
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.url = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        address = envelope.rcpt_tos[0]
        self.tries[address] += 1
        answers = self.answers[address]
        answer = answers.pop(0)() if answers else OK
        if answer == OK:
            content = envelope.original_content or b""
            self.accepted[address].append(
                email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
            )
        return answer


@contextmanager
def listening(**options: Any) -> Iterator[MailServer]:
    """`options` are those of aiosmtpd's own server, for TLS."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    server.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield server
    finally:
        controller.stop()


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return str(body.get_content())
