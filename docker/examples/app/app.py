"""An application that leaves signing in to the proxy: it answers with who the proxy says is there."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HEADERS = ("X-Auth-User-Id", "X-Auth-Username", "X-Auth-Role", "X-Auth-Session-Id", "X-Request-Id")


class Application(BaseHTTPRequestHandler):
    """Only the proxy may reach this application: other clients could claim any identity."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        body = json.dumps({name: self.headers.get(name, "") for name in _HEADERS}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000")))
    ThreadingHTTPServer(address, Application).serve_forever()
