"""The recovery from a lost second factor while the worker or Redis is unavailable: one clock, one email, one end."""

import re
import time
from datetime import UTC, datetime

import pyotp
import pytest

from accounts.mfa.models import FactorRecovery
from accounts.models import User
from accounts.testing import cast
from accounts.testing.mail_server import MailServer, plain_text
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.waiting import wait_until
from tests.faults.conftest import Nodes, timed
from tests.faults.worker_fleet import WorkerFleet

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


def _enrolled(node: LiveServer) -> User:
    user = cast.someone()
    access = cast.signed_in(node, user).access
    secret = node.send(ApiRequest("POST", "/mfa/totp", token=access)).data["secret"]
    confirm = ApiRequest("POST", "/mfa/totp/confirm", {"code": pyotp.TOTP(secret).now()}, access)
    assert node.send(confirm).status == 200
    return user


def _begin(node: LiveServer, user: User) -> str:
    token = timed(node, cast.log_in(user)).data["mfaToken"]
    return str(timed(node, ApiRequest("POST", "/mfa/recovery", {"mfaToken": token})).data["availableAt"])


def _links(mailbox: MailServer, user: User) -> list[str]:
    """Wait for the email, and return the tokens of its two links: to complete and to stop."""
    email = str(user.email)

    def texts() -> list[str]:
        return [text for text in map(plain_text, mailbox.accepted[email]) if "/recovery/stop?token=" in text]

    wait_until(lambda: bool(texts()), seconds=30)
    time.sleep(1)  # a sweep of the beat
    assert len(texts()) == 1
    return re.findall(r"[?&]token=(\S+)", texts()[0])


def _complete(node: LiveServer, token: str) -> str:
    return timed(node, ApiRequest("POST", "/mfa/recovery/complete", {"token": token})).code


def test_a_recovery_begun_while_no_worker_runs_is_announced_once(
    nodes: Nodes, fleet: WorkerFleet, mailbox: MailServer
) -> None:
    user = _enrolled(nodes.here)
    available_at = _begin(nodes.here, user)
    assert _begin(nodes.there, user) == available_at

    fleet.worker()

    token, _stop = _links(mailbox, user)
    assert _complete(nodes.there, token) == "recovery_not_ready"


def test_without_redis_a_recovery_is_begun_announced_and_completed_once(
    nodes: Nodes, fleet: WorkerFleet, mailbox: MailServer
) -> None:
    user = _enrolled(nodes.here)
    access = user.sessions.get()
    nodes.redis.kill()
    _begin(nodes.here, user)
    fleet.worker()
    token, _stop = _links(mailbox, user)
    FactorRecovery.objects.filter(user=user).update(available_at=datetime.now(UTC))

    assert [_complete(node, token) for node in nodes.both] == ["ok", "token_invalid"]

    access.refresh_from_db()
    assert access.revoked_at is not None
    assert "token" in timed(nodes.there, cast.log_in(user)).data
