"""A mail server below the manners of SMTP: it says what it likes, or nothing, and writes down all that it hears."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SILENT = "silent"
GREETING, MESSAGE = "greeting", "message"
_USUAL = {
    GREETING: "220 here",
    "EHLO": "250-here\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 go on",
    MESSAGE: "250 taken",
    "QUIT": "221 bye",
}


class RudeMailServer(socketserver.ThreadingTCPServer):
    """`answers` replaces usual ones, by command (or GREETING, MESSAGE); after SILENT nothing more comes, nor goes.

    `accepted` counts the messages that got a 250, `heard` holds the commands.
    """

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.heard: list[str] = []
        self.accepted = 0
        self.is_closing = threading.Event()
        super().__init__(("127.0.0.1", 0), _Talk)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.StreamRequestHandler):
    server: RudeMailServer

    def handle(self) -> None:
        with suppress(OSError):
            goes_on = self._answer(GREETING)
            while goes_on and (line := self.rfile.readline().decode().strip()):
                self.server.heard.append(line)
                goes_on = self._answer(line.split(" ")[0].upper())
                if goes_on and line.upper() == "DATA":
                    goes_on = self._take_message()

    def _take_message(self) -> bool:
        while self.rfile.readline() not in (b".\r\n", b""):
            pass
        taken = self._answer(MESSAGE)
        self.server.accepted += taken
        return taken

    def _answer(self, to: str) -> bool:
        answer = self.server.answers.get(to, _USUAL.get(to, "502 what?"))
        if answer == SILENT:
            self.server.is_closing.wait(timeout=30)
            return False
        self.wfile.write(f"{answer}\r\n".encode())
        return True


@contextmanager
def listening() -> Iterator[RudeMailServer]:
    with RudeMailServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield server
        finally:
            server.is_closing.set()
            server.shutdown()
