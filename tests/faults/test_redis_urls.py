"""One URL reaches the same server, database and TLS verification through the cache, the broker, the probes and the commands."""

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
# What each client of the product says about its own connection, as one line of JSON.
_REPORT = """
import json, django
from django.conf import settings
django.setup()
from django_redis import get_redis_connection
from config.celery import app
from core.redis.client import background_client
from core.observability import health_checks
from core.task_queue.broker_health import check_broker

def place(find):
    try:
        client = find()
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
    "patient": background_client,
    "command": settings.REDIS_ADDRESS.client,
}
found = {name: place(find) for name, find in clients.items()}
print(json.dumps(found | {"redis": health_checks.redis(), "broker state": check_broker()}))
"""


@dataclass(frozen=True)
class Place:
    """A Redis with a password and a user, behind its socket, a TCP port, and two ends of TLS."""

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
            "ca": self.folder / "ours" / "ca.pem",
            "pw": QUOTED,
        }
        return template.format(**values)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("redis-urls")
    ours, theirs = certificates.authority(folder / "ours"), certificates.authority(folder / "theirs")
    with ExitStack() as stack:
        own = stack.enter_context(faulty_redis.running())
        port = bind_address.free_port("127.0.0.1")
        own.client.config_set("port", port)
        own.client.execute_command("ACL", "SETUSER", "vestibule", "on", f">{PASSWORD}", "~*", "&*", "+@all")
        own.client.execute_command("ACL", "SETUSER", "free", "on", "nopass", "~*", "&*", "+@all")
        tls = stack.enter_context(tls_proxy.in_front_of(own.server.socket, ours.certificate_for("127.0.0.1")))
        bad = stack.enter_context(tls_proxy.in_front_of(own.server.socket, theirs.certificate_for("127.0.0.1")))
        yield Place(own, port, tls, bad, folder)


@pytest.fixture(scope="module")
def other_name(place: Place) -> Iterator[TLSProxy]:
    """Signed by our authority for another host."""
    certificate = certificates.authority(place.folder / "third")
    with tls_proxy.in_front_of(place.redis.server.socket, certificate.certificate_for("other.example.com")) as proxy:
        yield proxy


def _ask(url: str, broker: str | None = None) -> tuple[dict[str, Any], str]:
    """What the product's clients report under this URL, and everything else that was printed."""
    variables = {"REDIS_URL": url, "CELERY_BROKER_URL": broker or ""}
    done = subprocess.run(
        [sys.executable, "-c", _REPORT],
        cwd=BASE_DIR,
        env=live_server.environment(DATABASE_URL="sqlite:///:memory:", **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


CLIENTS = ("cache", "broker", "consumer", "patient", "command")
SAME = {
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


@pytest.mark.parametrize("template", SAME)
def test_every_client_reaches_the_same_database_as_the_same_user(place: Place, template: str) -> None:
    database, user = SAME[template]

    found, _printed = _ask(place.url(template))

    assert {name: (found[name]["db"], found[name]["user"]) for name in CLIENTS} == dict.fromkeys(
        CLIENTS, (str(database), user)
    )
    assert (found["redis"], found["broker state"]) == ("ok", "ok")


@pytest.mark.parametrize("protocol", [2, 3])
def test_every_client_uses_the_protocol_of_the_url(place: Place, protocol: int) -> None:
    found, _printed = _ask(place.url("redis://127.0.0.1:{port}/3") + f"?protocol={protocol}")

    assert {found[name]["resp"] for name in CLIENTS} == {str(protocol)}


@pytest.mark.parametrize(
    "template",
    [
        "rediss://vestibule:{pw}@127.0.0.1:{impostor}/3",
        "rediss://vestibule:{pw}@127.0.0.1:{impostor}/3?ssl_ca_certs={ca}",
    ],
    ids=["without options", "with an authority"],
)
def test_no_client_sends_anything_to_an_impostor(place: Place, template: str) -> None:
    place.impostor.received.clear()

    found, printed = _ask(place.url(template))

    assert not place.impostor.received
    assert {found[name] for name in CLIENTS} <= {"ConnectionError", "OperationalError"}
    assert (found["redis"], found["broker state"]) == ("unavailable", "unavailable")
    assert PASSWORD not in printed
    assert QUOTED not in printed


def test_no_client_sends_anything_to_a_server_with_another_hostname(place: Place, other_name: TLSProxy) -> None:
    authority = place.folder / "third" / "ca.pem"
    url = f"rediss://vestibule:{QUOTED}@127.0.0.1:{other_name.port}/3?ssl_ca_certs={authority}"

    found, _printed = _ask(url)
    assert not other_name.received
    assert (found["redis"], found["broker state"]) == ("unavailable", "unavailable")

    found, _printed = _ask(f"{url}&ssl_check_hostname=false")
    assert other_name.received
    assert (found["redis"], found["broker state"]) == ("ok", "ok")


def test_amqps_sends_nothing_to_an_impostor(place: Place) -> None:
    broker = place.url("amqps://vestibule:{pw}@127.0.0.1:{impostor}//")
    place.impostor.received.clear()

    found, printed = _ask(place.url("unix://{socket}?db=3"), broker)
    assert not place.impostor.received
    assert found["broker state"] == "unavailable"
    assert QUOTED not in printed

    _ask(place.url("unix://{socket}?db=3"), f"{broker}?ssl_cert_reqs=none")
    assert place.impostor.received.startswith(b"AMQP")


def test_a_separate_broker_url_keeps_its_own_database_and_options(place: Place) -> None:
    found, _printed = _ask(place.url("unix://{socket}?db=3"), place.url("rediss://127.0.0.1:{tls}/4?ssl_ca_certs={ca}"))

    assert [found[name]["db"] for name in CLIENTS] == ["3", "4", "4", "3", "3"]


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
    place: Place, folder: Path, mailbox: MailServer, template: str
) -> None:
    url = place.url(template)
    with worker_fleet.running(folder, mailbox.url, REDIS_URL=url, CELERY_BROKER_URL=url) as fleet:
        worker = fleet.worker()
        [email] = enqueue_welcome()

        wait_until(lambda: mailbox.accepted[email], seconds=40)

        assert worker.poll() is None
    printed = (folder / "worker.log").read_text()
    assert PASSWORD not in printed
    assert QUOTED not in printed
