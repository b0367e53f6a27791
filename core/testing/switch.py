"""One port in front of several servers. Open connections keep their server when the target changes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_CHUNK = 65_536


@dataclass
class Switch:
    """`target` is the loopback port of the server that new connections reach."""

    port: int
    target: int

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self.target)) as server:
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()
            _pump(client, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def in_front_of(target: int) -> Iterator[Switch]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        switch = Switch(listener.getsockname()[1], target)
        threading.Thread(target=switch.serve, args=(listener,), daemon=True).start()
        try:
            yield switch
        finally:
            listener.shutdown(socket.SHUT_RDWR)
