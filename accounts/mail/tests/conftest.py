from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from aiosmtpd.controller import Controller
from pytest_django import Settings

from accounts.mail.tests.scripted_smtp import ScriptedServer
from core.web_server.bind_address import free_port


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[ScriptedServer, int]]:
    port = free_port()
    mail_server = ScriptedServer()
    controller = Controller(mail_server, hostname="127.0.0.1", port=port)
    controller.start()
    yield mail_server, port
    controller.stop()


@pytest.fixture
def smtp_server(listener: tuple[ScriptedServer, int], settings: Settings) -> ScriptedServer:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    mail_server, settings.EMAIL_PORT = listener
    settings.EMAIL_HOST = "127.0.0.1"
    mail_server.responses, mail_server.offered = [], []
    return mail_server


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock."""
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller
