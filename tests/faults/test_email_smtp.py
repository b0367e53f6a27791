"""SMTP servers that stall, disconnect or offer no TLS: no email is lost, duplicated, or sent in clear."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.mail.backends import locmem
from pytest_django import DjangoDbBlocker, Settings

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.mail.tasks import deliver_outbox
from accounts.models import EmailState, OutboxEmail, User
from accounts.testing import mail_server
from accounts.testing.mail_server import MailServer
from core.environment.email_url import email_settings
from core.testing import live_database, live_server
from core.testing.waiting import wait_until
from tests.faults import misbehaving_mail_server, worker_fleet
from tests.faults.misbehaving_mail_server import GREETING, MESSAGE, SILENT, MisbehavingMailServer
from tests.faults.worker_fleet import new_email, sign_up_in_time

pytestmark = pytest.mark.faults


@pytest.fixture
def smtp_server() -> Iterator[MisbehavingMailServer]:
    with misbehaving_mail_server.listening() as server:
        yield server


@pytest.fixture
def send_via(settings: Settings) -> Callable[[str], int]:
    """Return `send(url)`: deliver all queued emails with this EMAIL_URL, without their retry delay."""
    settings.EMAIL_TIMEOUT = 0.5

    def send(url: str) -> int:
        for name, value in email_settings(url, debug=False).items():
            setattr(settings, name, value)
        OutboxEmail.objects.filter(state=EmailState.QUEUED).update(due_at=datetime.now(UTC))
        return deliver_due()

    return send


@pytest.mark.parametrize("stalled_at", [GREETING, "EHLO", "MAIL", "RCPT", "DATA", MESSAGE])
def test_a_stalled_server_times_out_and_the_email_is_retried(
    alice: User, smtp_server: MisbehavingMailServer, send_via: Callable[[str], int], stalled_at: str
) -> None:
    outbox.welcome(alice)
    smtp_server.responses = {stalled_at: SILENT}
    started = time.monotonic()
    send_via(smtp_server.url)

    assert time.monotonic() - started < 3
    assert _only_email().state == EmailState.QUEUED

    smtp_server.responses = {}
    send_via(smtp_server.url)
    assert (smtp_server.accepted, _only_email().state) == (1, EmailState.SENT)


def test_a_server_that_hangs_after_accepting_gets_no_second_copy(
    alice: User, smtp_server: MisbehavingMailServer, send_via: Callable[[str], int]
) -> None:
    outbox.welcome(alice)
    smtp_server.responses = {"QUIT": SILENT}

    send_via(smtp_server.url)

    assert send_via(smtp_server.url) == 0
    assert (smtp_server.accepted, _only_email().state) == (1, EmailState.SENT)


def test_nothing_is_sent_in_clear_when_required_tls_is_not_offered(
    alice: User, smtp_server: MisbehavingMailServer, send_via: Callable[[str], int]
) -> None:
    """A man in the middle can strip STARTTLS from the server's response."""
    outbox.welcome(alice)

    send_via(smtp_server.url.replace("smtp://", "smtp+tls://user:secret@"))

    assert {line.split(" ")[0] for line in smtp_server.commands} <= {"ehlo", "quit"}
    assert (_only_email().state, _only_email().error) == (EmailState.QUEUED, "SMTPNotSupportedError")


def test_an_untrusted_certificate_is_rejected_and_a_trusted_one_accepted(
    alice: User, send_via: Callable[[str], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.welcome(alice)
    with _listening_with_tls(tmp_path) as mailbox:
        send_via(mailbox.url)
        assert (_only_email().state, _only_email().error) == (EmailState.QUEUED, "SSLCertVerificationError")
        assert not mailbox.attempts

        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        send_via(mailbox.url)

        assert len(mailbox.accepted["alice@example.com"]) == 1
        assert _only_email().state == EmailState.SENT


def test_a_send_that_reaches_the_soft_time_limit_is_retried_later(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends one byte at a time never hits the socket timeout; Celery then interrupts the task."""
    outbox.welcome(alice)

    def raise_soft_time_limit(*_: object) -> int:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", raise_soft_time_limit)
    deliver_due()

    assert (_only_email().state, _only_email().error) == (EmailState.QUEUED, "SoftTimeLimitExceeded")


def test_the_task_time_limits_are_shorter_than_the_email_claim_timeout(settings: Settings) -> None:
    soft, hard = deliver_outbox.soft_time_limit, deliver_outbox.time_limit

    assert soft is not None
    assert hard is not None
    assert soft < hard < settings.EMAIL_CLAIM_TIMEOUT.total_seconds()


@pytest.mark.django_db
def test_a_task_claims_no_email_after_its_time_budget(
    alice: User, bob: User, smtp_server: MisbehavingMailServer
) -> None:
    for user in (alice, bob):
        outbox.welcome(user)

    assert deliver_due(seconds=0) == 0

    assert OutboxEmail.objects.filter(state=EmailState.QUEUED).count() == 2


def test_a_silent_mail_server_delays_no_request(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker, smtp_server: MisbehavingMailServer
) -> None:
    """The worker retries, registrations stay fast, and the emails are sent once the server responds again."""
    smtp_server.responses = {GREETING: SILENT}
    with (
        live_database.in_use(tmp_path, django_db_blocker),
        live_server.running(tmp_path) as server,
        worker_fleet.running(tmp_path, smtp_server.url, settings="tests.faults.short_timeout_worker_settings") as fleet,
    ):
        fleet.worker()
        emails = [new_email() for _ in range(3)]
        sign_up_in_time(server, emails)
        wait_until(lambda: OutboxEmail.objects.filter(error__gt="").count() == len(emails))

        smtp_server.responses = {}
        wait_until(lambda: smtp_server.accepted == len(emails))
        wait_until(lambda: not OutboxEmail.objects.exclude(state=EmailState.SENT).exists())
        assert smtp_server.accepted == len(emails)


def _only_email() -> OutboxEmail:
    return OutboxEmail.objects.get()


@contextmanager
def _listening_with_tls(folder: Path) -> Iterator[MailServer]:
    """Run a mail server with a self-signed certificate in `folder`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*_certificate(folder))
    with mail_server.listening(tls_context=context, require_starttls=True) as server:
        server.url = server.url.replace("smtp://", "smtp+tls://")
        yield server


def _certificate(folder: Path) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    san = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.add_extension(san, critical=False).sign(key, hashes.SHA256())
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
