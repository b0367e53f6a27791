"""A Redis of a test's own, at one address whatever happens to it: killed, hung, filled, emptied, or set back to a snapshot."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import redis

from core.dev import processes, redis_server
from core.dev.redis_server import RedisServer

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_KIB = 1024
_PASSWORD = "not-the-one-they-know"


@dataclass
class BrokenRedis:
    server: RedisServer
    password: str | None = None

    @property
    def url(self) -> str:
        return f"{self.server.url}?db=0"

    @property
    def client(self) -> Any:
        """For the test itself: it waits, and sees what nobody else should."""
        return redis.Redis(unix_socket_path=str(self.server.socket), password=self.password, socket_timeout=10)

    def kill(self) -> None:
        processes.stop(self.server.process, stop_signal=signal.SIGKILL, grace=_STOP_SECONDS)

    def start(self, *options: str) -> None:
        """Again, after a `kill`: with what `save` kept, unless `empty` came between. Returns when it answers anything."""
        log = self.server.folder / "redis.log"
        with log.open("ab") as output:
            command = [*self.server.process.args, *options]  # type: ignore[misc]
            process = processes.start(command, temporary=self.server.folder, stdout=output, stderr=subprocess.STDOUT)
        self.server = replace(self.server, process=process)
        processes.wait_until(self._answers, process, log=log, seconds=_START_SECONDS)

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(1)
            client.connect(str(self.server.socket))
            client.sendall(b"PING\r\n")
            return bool(client.recv(16))
        return False

    def hang(self) -> None:
        self.server.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.server.process.send_signal(signal.SIGCONT)

    def save(self) -> None:
        """A snapshot, which the next `start` begins with."""
        self.client.save()

    def forget_snapshot(self) -> None:
        (self.server.folder / "dump.rdb").unlink(missing_ok=True)

    def fill(self) -> None:
        """No command that needs memory succeeds any more."""
        self.client.config_set("maxmemory-policy", "noeviction")
        self.client.config_set("maxmemory", 1)

    def evict(self) -> None:
        """All of ours goes, little by little: a flood of foreign keys through a small memory, as long as it takes."""
        client = self.client
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 256 * _KIB)
        number = 0
        while client.keys("vestibule:session:*"):
            with client.pipeline(transaction=False) as pipeline:
                for _ in range(500):
                    pipeline.set(f"flood:{number}", b"x" * _KIB)
                    number += 1
                pipeline.execute()

    def read_only(self) -> None:
        """A replica of somebody who is not there; it serves what it holds."""
        self.client.replicaof("127.0.0.1", "1")

    def ask_for_password(self) -> None:
        """New connections are refused, and those that are open are ended."""
        client = self.client
        client.config_set("requirepass", _PASSWORD)
        self.password = _PASSWORD
        client.client_kill_filter(_type="normal", skipme=True)

    def load_slowly(self) -> None:
        """Killed and started again; for some three seconds it says that it is loading its data."""
        client = self.client
        client.config_set("rdbcompression", "no")
        # While it loads it looks up from its work once in two megabytes.
        client.execute_command("DEBUG", "POPULATE", 2000, "filler", 20 * _KIB)
        self.save()
        self.kill()
        self.start("--key-load-delay", "1500")

    def _has_loaded(self) -> bool:
        return not self.client.info("persistence")["loading"]

    def mend(self) -> None:
        """As if nothing had happened to it, except that it may have forgotten everything."""
        if self.server.process.poll() is not None:
            self.start()
        self.go_on()
        while not self._has_loaded():
            time.sleep(0.05)
        client = self.client
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)
        client.config_set("min-replicas-to-write", 0)
        client.config_set("requirepass", "")
        self.password = None

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.go_on()
        self.server.stop()
        shutil.rmtree(self.server.folder, ignore_errors=True)


@contextmanager
def running() -> Iterator[BrokenRedis]:
    own = BrokenRedis(redis_server.start_for_tests())
    try:
        yield own
    finally:
        own.stop()
