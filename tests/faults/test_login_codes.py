"""Emailed codes while the worker or Redis is unavailable: the request succeeds as fast, and the code works once it arrives."""

import re
import time
from collections.abc import Iterable

import pytest

from accounts.models import User
from accounts.testing import cast
from accounts.testing.mail_server import MailServer, plain_text
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.waiting import wait_until
from tests.faults.conftest import Nodes, timed
from tests.faults.worker_fleet import WorkerFleet, code_in

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


def _request(node: LiveServer, email: str | None) -> str:
    return str(timed(node, ApiRequest("POST", "/login/code", {"email": email})).data["loginToken"])


def _verify(node: LiveServer, login_token: str, **secret: str) -> str:
    return timed(node, ApiRequest("POST", "/login/code/verify", {"loginToken": login_token, **secret})).code


def _texts(mailbox: MailServer, users: Iterable[User]) -> list[str]:
    """Wait until each user has received exactly one email, and return their texts."""
    emails = [str(user.email) for user in users]
    wait_until(lambda: all(mailbox.accepted[email] for email in emails), seconds=30)
    time.sleep(1)  # a sweep of the beat
    assert [mailbox.attempts[email] for email in emails] == [1] * len(emails)
    return [plain_text(mailbox.accepted[email][0]) for email in emails]


def _token_in(text: str) -> str:
    match = re.search(r"[?&]token=(\S+)", text)
    assert match, text
    return match[1]


def test_a_code_due_while_no_worker_runs_is_sent_once_and_works(
    nodes: Nodes, fleet: WorkerFleet, mailbox: MailServer
) -> None:
    users = [cast.someone() for _ in range(3)]
    tokens = [_request(nodes.here, user.email) for user in users]
    time.sleep(1)
    assert not mailbox.accepted

    fleet.worker()

    for token, text in zip(tokens, _texts(mailbox, users), strict=True):
        assert _verify(nodes.there, token, code=code_in(text)) == "ok"


def test_without_redis_codes_are_sent_work_and_are_limited_on_all_nodes_together(
    nodes: Nodes, fleet: WorkerFleet, mailbox: MailServer
) -> None:
    guessed, user = cast.someone(), cast.someone()
    nodes.redis.kill()
    tokens = [_request(nodes.here, person.email) for person in (guessed, user)]
    fleet.worker()
    first, second = _texts(mailbox, (guessed, user))
    wrong = "000000" if code_in(first) != "000000" else "111111"

    results = [_verify(node, tokens[0], code=wrong) for node in nodes.both * 3]

    assert results == ["code_invalid"] * 5 + ["too_many_attempts"]
    assert _verify(nodes.there, tokens[0], code=code_in(first)) == "too_many_attempts"
    assert _verify(nodes.there, tokens[0], token=_token_in(first)) == "ok"
    assert _verify(nodes.here, tokens[1], code=code_in(second)) == "ok"
