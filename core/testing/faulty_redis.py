"""A controllable Redis for one test: it can be killed, hung, filled, emptied or reset to a snapshot, at one URL."""

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
_PASSWORD = "a-password-the-service-lacks"


@dataclass
class FaultyRedis:
    server: RedisServer
    password: str | None = None

    @property
    def url(self) -> str:
        return f"{self.server.url}?db=0"

    @property
    def client(self) -> Any:
        """Return a client for the test itself, with a long timeout and the current password."""
        return redis.Redis(unix_socket_path=str(self.server.socket), password=self.password, socket_timeout=10)

    def kill(self) -> None:
        processes.stop(self.server.process, stop_signal=signal.SIGKILL, grace=_STOP_SECONDS)

    def start(self, *options: str) -> None:
        """Start again after `kill`, with the last snapshot. Return when the server responds."""
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

    def resume(self) -> None:
        self.server.process.send_signal(signal.SIGCONT)

    def save(self) -> None:
        """Write a snapshot, which the next `start` loads."""
        self.client.save()

    def delete_snapshot(self) -> None:
        (self.server.folder / "dump.rdb").unlink(missing_ok=True)

    def exhaust_memory(self) -> None:
        """Let every command that needs memory fail."""
        self.client.config_set("maxmemory-policy", "noeviction")
        self.client.config_set("maxmemory", 1)

    def evict(self) -> None:
        """Write foreign keys into a small memory until all keys of the service are evicted."""
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

    def make_read_only(self) -> None:
        """Turn the server into a read-only replica of a missing master."""
        self.client.replicaof("127.0.0.1", "1")

    def require_password(self) -> None:
        """Require a password that the service does not know, and close all connections."""
        client = self.client
        client.config_set("requirepass", _PASSWORD)
        self.password = _PASSWORD
        client.client_kill_filter(_type="normal", skipme=True)

    def restart_loading_slowly(self) -> None:
        """Restart the server, which then responds with LOADING for about three seconds."""
        client = self.client
        client.config_set("rdbcompression", "no")
        # While loading, Redis serves clients once every two megabytes.
        client.execute_command("DEBUG", "POPULATE", 2000, "filler", 20 * _KIB)
        self.save()
        self.kill()
        self.start("--key-load-delay", "1500")

    def _has_loaded(self) -> bool:
        return not self.client.info("persistence")["loading"]

    def repair(self) -> None:
        """Undo all faults; the data may be lost."""
        if self.server.process.poll() is not None:
            self.start()
        self.resume()
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
            self.resume()
        self.server.stop()
        shutil.rmtree(self.server.folder, ignore_errors=True)


@contextmanager
def running() -> Iterator[FaultyRedis]:
    server = FaultyRedis(redis_server.start_for_tests())
    try:
        yield server
    finally:
        server.stop()
