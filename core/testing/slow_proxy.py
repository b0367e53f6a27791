"""A door before a Unix socket: it lets everything through, each answer late, or no answer at all."""

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
    """`delay` is in seconds for each answer; `swallows` keeps answers back altogether. `accepted` counts connections."""

    path: Path
    behind: Path
    delay: float = 0.0
    swallows: bool = False
    accepted: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"unix://{url_path(self.path)}?db=0"

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener was closed: the end
            while True:
                client, _ = listener.accept()
                self.accepted += 1
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._open += [client, server]
        try:
            server.connect(str(self.behind))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
        threading.Thread(target=self._pump, args=(server, client), kwargs={"answers": True}, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, *, answers: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if answers and self.swallows:
                    continue
                if answers:
                    time.sleep(self.delay)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in self._open:
            end.close()


@contextmanager
def before(behind: Path) -> Iterator[SlowProxy]:
    proxy = SlowProxy(path=behind.with_name("proxy.sock"), behind=behind)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(proxy.path))
        listener.listen(64)
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            proxy.close()
