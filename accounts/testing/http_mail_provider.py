"""The HTTP API of an email provider, on a local port: it responds as a test configures it, and stores the requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# The success response of all providers in one.
_ACCEPTED = {"id": "1", "messageId": "1", "MessageID": "1", "ErrorCode": 0, "Message": "OK"}


@dataclass
class Provider:
    """`responses` are (status, headers, body), in order; later requests are accepted. A status of 0 closes the connection."""

    url: str = ""
    responses: list[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            provider.requests.append((dict(self.headers), body))
            status, headers, payload = provider.responses.pop(0) if provider.responses else (200, {}, _ACCEPTED)
            if not status:
                return
            content = json.dumps(payload).encode()
            self.send_response_only(status, "scripted")
            for name, value in (headers | {"Content-Type": "application/json"}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing; the tests read `requests`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
