"""Terminates TLS in front of a Unix socket and records the bytes that clients send after the handshake."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_CHUNK = 65_536


@dataclass
class TLSProxy:
    """`received` holds all bytes that clients sent inside TLS."""

    port: int
    target: Path
    context: ssl.SSLContext
    handshakes: int = 0
    received: bytearray = field(default_factory=bytearray)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, plain: socket.socket) -> None:
        with suppress(OSError), self.context.wrap_socket(plain, server_side=True) as client:
            self.handshakes += 1
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
                server.connect(str(self.target))
                threading.Thread(target=self._forward_responses, args=(server, client), daemon=True).start()
                while data := client.recv(_CHUNK):
                    self.received += data
                    server.sendall(data)

    def _forward_responses(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                client.sendall(data)


@contextmanager
def in_front_of(target: Path, certificate: Path) -> Iterator[TLSProxy]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = TLSProxy(listener.getsockname()[1], target, context)
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
