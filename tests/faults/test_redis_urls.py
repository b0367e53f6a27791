"""One URL selects the same server, database and TLS verification in the cache, the broker, the health checks and the commands."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import OutboxEmail
from accounts.testing import mail_server
from accounts.testing.mail_server import MailServer
from core.paths import BASE_DIR
from core.testing import certificates, faulty_redis, live_database, live_server, tls_proxy
from core.testing.faulty_redis import FaultyRedis
from core.testing.tls_proxy import TLSProxy
from core.testing.waiting import wait_until
from core.web_server import bind_address
from tests.faults import worker_fleet
from tests.faults.worker_fleet import enqueue_welcome

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

PASSWORD = "pa:ss/wo?rd#1@;%"
QUOTED = "pa%3Ass%2Fwo%3Frd%231%40%3B%25"
# Prints the connection properties of each client of the service, as one line of JSON.
_REPORT_SCRIPT = """
import json, django
from django.conf import settings
django.setup()
from django_redis import get_redis_connection
from config.celery import app
from core.redis.client import background_client
from core.observability import health_checks
from core.task_queue.broker_health import check_broker

def describe(get_client):
    try:
        client = get_client()
        info = client.client_info()
    except Exception as error:
        return type(error).__name__
    protocol = client.connection_pool.get_connection().protocol
    return {"db": str(info["db"]), "user": info["user"], "resp": str(protocol)}

settings.HEALTH_CHECK_TIMEOUT = None
clients = {
    "cache": lambda: get_redis_connection("default"),
    "broker": lambda: app.connection_for_write().default_channel.client,
    "consumer": lambda: app.connection_for_read().channel().client,
    "background": background_client,
    "command": settings.REDIS_ADDRESS.client,
}
report = {name: describe(get_client) for name, get_client in clients.items()}
print(json.dumps(report | {"redis": health_checks.redis(), "broker state": check_broker()}))
"""


@dataclass(frozen=True)
class RedisEndpoints:
    """A Redis with a password and an ACL user, reachable by socket, TCP and two TLS proxies."""

    redis: FaultyRedis
    port: int
    tls: TLSProxy
    impostor: TLSProxy
    folder: Path

    def url(self, template: str) -> str:
        values = {
            "socket": self.redis.server.socket,
            "port": self.port,
            "tls": self.tls.port,
            "impostor": self.impostor.port,
            "ca": self.folder / "trusted" / "ca.pem",
            "pw": QUOTED,
        }
        return template.format(**values)


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisEndpoints]:
    folder = tmp_path_factory.mktemp("redis-urls")
    trusted, untrusted = certificates.authority(folder / "trusted"), certificates.authority(folder / "untrusted")
    with ExitStack() as stack:
        server = stack.enter_context(faulty_redis.running())
        port = bind_address.free_port("127.0.0.1")
        server.client.config_set("port", port)
        server.client.execute_command("ACL", "SETUSER", "vestibule", "on", f">{PASSWORD}", "~*", "&*", "+@all")
        server.client.execute_command("ACL", "SETUSER", "free", "on", "nopass", "~*", "&*", "+@all")
        tls = stack.enter_context(tls_proxy.in_front_of(server.server.socket, trusted.certificate_for("127.0.0.1")))
        impostor = stack.enter_context(
            tls_proxy.in_front_of(server.server.socket, untrusted.certificate_for("127.0.0.1"))
        )
        yield RedisEndpoints(server, port, tls, impostor, folder)


@pytest.fixture(scope="module")
def other_host_proxy(endpoints: RedisEndpoints) -> Iterator[TLSProxy]:
    """A TLS proxy whose certificate is for another hostname."""
    certificate = certificates.authority(endpoints.folder / "third")
    with tls_proxy.in_front_of(
        endpoints.redis.server.socket, certificate.certificate_for("other.example.com")
    ) as proxy:
        yield proxy


def _run_report(url: str, broker: str | None = None) -> tuple[dict[str, Any], str]:
    """Run the report with these URLs; return it with the whole output."""
    variables = {"REDIS_URL": url, "CELERY_BROKER_URL": broker or ""}
    completed = subprocess.run(
        [sys.executable, "-c", _REPORT_SCRIPT],
        cwd=BASE_DIR,
        env=live_server.environment(DATABASE_URL="sqlite:///:memory:", **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout.splitlines()[-1]), completed.stdout + completed.stderr


CLIENTS = ("cache", "broker", "consumer", "background", "command")
URLS = {
    "unix://{socket}?db=3": (3, "default"),
    "redis+socket://{socket}?virtual_host=3": (3, "default"),
    "unix://vestibule:{pw}@{socket}?db=3&socket_timeout=5&health_check_interval=30": (3, "vestibule"),
    "redis://127.0.0.1:{port}": (0, "default"),
    "redis://localhost:{port}/3": (3, "default"),
    "redis://127.0.0.1:{port}/?db=3": (3, "default"),
    "redis://free@127.0.0.1:{port}/3": (3, "free"),
    "redis://vestibule:{pw}@127.0.0.1:{port}/3": (3, "vestibule"),
    "redis://127.0.0.1:{port}/3?health_check_interval=30&socket_timeout=5&socket_connect_timeout=3": (3, "default"),
    "redis://127.0.0.1:{port}/3?health_check_interval=0&socket_keepalive=true&max_connections=3": (3, "default"),
    "redis://127.0.0.1:{port}/3?client_name=mine": (3, "default"),
    "rediss://vestibule:{pw}@127.0.0.1:{tls}/3?ssl_ca_certs={ca}": (3, "vestibule"),
    "rediss://127.0.0.1:{tls}/3?ssl_ca_certs={ca}&ssl_cert_reqs=CERT_REQUIRED&socket_timeout=5": (3, "default"),
    "rediss://vestibule:{pw}@127.0.0.1:{impostor}/3?ssl_cert_reqs=none": (3, "vestibule"),
}


@pytest.mark.parametrize("template", URLS)
def test_every_client_reaches_the_same_database_as_the_same_user(endpoints: RedisEndpoints, template: str) -> None:
    database, user = URLS[template]

    report, _printed = _run_report(endpoints.url(template))

    assert {name: (report[name]["db"], report[name]["user"]) for name in CLIENTS} == dict.fromkeys(
        CLIENTS, (str(database), user)
    )
    assert (report["redis"], report["broker state"]) == ("ok", "ok")


@pytest.mark.parametrize("protocol", [2, 3])
def test_every_client_uses_the_protocol_of_the_url(endpoints: RedisEndpoints, protocol: int) -> None:
    report, _printed = _run_report(endpoints.url("redis://127.0.0.1:{port}/3") + f"?protocol={protocol}")

    assert {report[name]["resp"] for name in CLIENTS} == {str(protocol)}


@pytest.mark.parametrize(
    "template",
    [
        "rediss://vestibule:{pw}@127.0.0.1:{impostor}/3",
        "rediss://vestibule:{pw}@127.0.0.1:{impostor}/3?ssl_ca_certs={ca}",
    ],
    ids=["without options", "with an authority"],
)
def test_no_client_sends_anything_to_an_impostor(endpoints: RedisEndpoints, template: str) -> None:
    endpoints.impostor.received.clear()

    report, printed = _run_report(endpoints.url(template))

    assert not endpoints.impostor.received
    assert {report[name] for name in CLIENTS} <= {"ConnectionError", "OperationalError"}
    assert (report["redis"], report["broker state"]) == ("unavailable", "unavailable")
    assert PASSWORD not in printed
    assert QUOTED not in printed


def test_no_client_sends_anything_to_a_server_with_another_hostname(
    endpoints: RedisEndpoints, other_host_proxy: TLSProxy
) -> None:
    authority = endpoints.folder / "third" / "ca.pem"
    url = f"rediss://vestibule:{QUOTED}@127.0.0.1:{other_host_proxy.port}/3?ssl_ca_certs={authority}"

    report, _printed = _run_report(url)
    assert not other_host_proxy.received
    assert (report["redis"], report["broker state"]) == ("unavailable", "unavailable")

    report, _printed = _run_report(f"{url}&ssl_check_hostname=false")
    assert other_host_proxy.received
    assert (report["redis"], report["broker state"]) == ("ok", "ok")


def test_amqps_sends_nothing_to_an_impostor(endpoints: RedisEndpoints) -> None:
    broker = endpoints.url("amqps://vestibule:{pw}@127.0.0.1:{impostor}//")
    endpoints.impostor.received.clear()

    report, printed = _run_report(endpoints.url("unix://{socket}?db=3"), broker)
    assert not endpoints.impostor.received
    assert report["broker state"] == "unavailable"
    assert QUOTED not in printed

    _run_report(endpoints.url("unix://{socket}?db=3"), f"{broker}?ssl_cert_reqs=none")
    assert endpoints.impostor.received.startswith(b"AMQP")


def test_a_separate_broker_url_keeps_its_own_database_and_options(endpoints: RedisEndpoints) -> None:
    report, _printed = _run_report(
        endpoints.url("unix://{socket}?db=3"), endpoints.url("rediss://127.0.0.1:{tls}/4?ssl_ca_certs={ca}")
    )

    assert [report[name]["db"] for name in CLIENTS] == ["3", "4", "4", "3", "3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("redis-urls-mail")
    with live_database.in_use(folder, django_db_blocker):
        yield folder


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    OutboxEmail.objects.all().delete()
    with mail_server.listening() as listening:
        yield listening


@pytest.mark.parametrize(
    "template",
    [
        "unix://vestibule:{pw}@{socket}?db=3&socket_timeout=0.5&health_check_interval=30",
        "redis://127.0.0.1:{port}/?db=3&health_check_interval=0&socket_timeout=5&max_connections=2&protocol=3",
        "rediss://vestibule:{pw}@127.0.0.1:{tls}/3?ssl_ca_certs={ca}&socket_keepalive=yes&client_name=mine",
    ],
)
def test_a_worker_starts_with_the_url_and_sends_email(
    endpoints: RedisEndpoints, folder: Path, mailbox: MailServer, template: str
) -> None:
    url = endpoints.url(template)
    with worker_fleet.running(folder, mailbox.url, REDIS_URL=url, CELERY_BROKER_URL=url) as fleet:
        worker = fleet.worker()
        [email] = enqueue_welcome()

        wait_until(lambda: mailbox.accepted[email], seconds=40)

        assert worker.poll() is None
    printed = (folder / "worker.log").read_text()
    assert PASSWORD not in printed
    assert QUOTED not in printed
