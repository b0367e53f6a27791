"""An SMTP server that violates the protocol: it sends configured responses or none, and records every command."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SILENT = "silent"
GREETING, MESSAGE = "greeting", "message"
_DEFAULT_RESPONSES = {
    GREETING: "220 here",
    "EHLO": "250-here\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 send the message",
    MESSAGE: "250 accepted",
    "QUIT": "221 bye",
}


class MisbehavingMailServer(socketserver.ThreadingTCPServer):
    """`responses` overrides the defaults by command (or GREETING, MESSAGE); SILENT ends all responses of a connection.

    `accepted` counts the messages that got a 250, `commands` holds the received lines.
    """

    def __init__(self) -> None:
        self.responses: dict[str, str] = {}
        self.commands: list[str] = []
        self.accepted = 0
        self.is_closing = threading.Event()
        super().__init__(("127.0.0.1", 0), _Session)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: MisbehavingMailServer

    def handle(self) -> None:
        with suppress(OSError):
            is_open = self._respond(GREETING)
            while is_open and (line := self.rfile.readline().decode().strip()):
                self.server.commands.append(line)
                is_open = self._respond(line.split(" ")[0].upper())
                if is_open and line.upper() == "DATA":
                    is_open = self._receive_message()

    def _receive_message(self) -> bool:
        while self.rfile.readline() not in (b".\r\n", b""):
            pass
        is_accepted = self._respond(MESSAGE)
        self.server.accepted += is_accepted
        return is_accepted

    def _respond(self, command: str) -> bool:
        response = self.server.responses.get(command, _DEFAULT_RESPONSES.get(command, "502 command not implemented"))
        if response == SILENT:
            self.server.is_closing.wait(timeout=30)
            return False
        self.wfile.write(f"{response}\r\n".encode())
        return True


@contextmanager
def listening() -> Iterator[MisbehavingMailServer]:
    with MisbehavingMailServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield server
        finally:
            server.is_closing.set()
            server.shutdown()
