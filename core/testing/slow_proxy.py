"""A proxy in front of a Unix socket that delays each response or drops all responses."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.paths import url_path

_CHUNK = 65_536


@dataclass
class SlowProxy:
    """`delay` is in seconds per response; `drops_responses` drops them all. `accepted` counts connections."""

    path: Path
    target: Path
    delay: float = 0.0
    drops_responses: bool = False
    accepted: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"unix://{url_path(self.path)}?db=0"

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = listener.accept()
                self.accepted += 1
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._open += [client, server]
        try:
            server.connect(str(self.target))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
        threading.Thread(target=self._pump, args=(server, client), kwargs={"responses": True}, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, *, responses: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if responses and self.drops_responses:
                    continue
                if responses:
                    time.sleep(self.delay)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in self._open:
            end.close()


@contextmanager
def in_front_of(target: Path) -> Iterator[SlowProxy]:
    proxy = SlowProxy(path=target.with_name("proxy.sock"), target=target)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(proxy.path))
        listener.listen(64)
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            proxy.close()
