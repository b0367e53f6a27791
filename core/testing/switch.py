"""One address in front of several servers: connections that are open stay with theirs when it is switched."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_CHUNK = 65_536


@dataclass
class Switch:
    """`target` is the port on the loopback that new connections lead to."""

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
def before(target: int) -> Iterator[Switch]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        switch = Switch(listener.getsockname()[1], target)
        threading.Thread(target=switch.serve, args=(listener,), daemon=True).start()
        try:
            yield switch
        finally:
            listener.shutdown(socket.SHUT_RDWR)
