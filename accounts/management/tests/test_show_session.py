"""`manage.py show_session`: all of a session but its secrets."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Role, User
from accounts.testing.api_client import ApiClient, SignedIn
from core.redis.client import breaker
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]


def _show(session_id: str, *arguments: str) -> str:
    out = StringIO()
    call_command("show_session", session_id, *arguments, stdout=out)
    return out.getvalue()


def _facts(session_id: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(_show(session_id, "--json"))
    return facts


def test_an_active_session_is_shown_with_user_device_address_and_redis(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice, deviceName="My laptop")
    hers.client.get("/me")

    facts = _facts(hers.session_id)

    assert facts["state"] == "active"
    assert (facts["user"], facts["email"], facts["role"]) == ("alice", "alice@example.com", "USER")
    assert (facts["name"], facts["device"], facts["ip"]) == (
        "My laptop", "Desktop, Chrome, Windows 10", "127.0.0.1",
    )  # fmt: skip
    assert facts["inRedis"].startswith("an entry for alice, USER, for ")
    assert "endedAt" not in facts


def test_people_get_a_line_a_fact(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)

    lines = _show(hers.session_id).splitlines()

    assert lines[0].split() == ["session", hers.session_id]
    assert lines[1].split() == ["state", "active"]
    assert any(line.split() == ["userIsActive", "yes"] for line in lines)


def test_an_ended_one_is_shown_with_how_by_whom_and_from_where(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    deed = hers.client.post("/logout")

    facts = _facts(hers.session_id)

    assert (facts["state"], facts["endReason"], facts["endedBy"]) == ("ended", "logout", "alice")
    assert (facts["endedFromIp"], facts["endedByRequest"]) == ("127.0.0.1", deed.headers["X-Request-Id"])
    assert facts["inRedis"].startswith("revoked, for ")


def test_one_that_an_administrator_ended_names_them(alice: User, mallory: User, sign_in: SignIn) -> None:
    User.objects.filter(id=alice.id).update(role=Role.ADMIN)
    his = sign_in(mallory)
    sign_in(alice).client.post(f"/users/{mallory.id}/revoke-sessions")

    facts = _facts(his.session_id)

    assert (facts["endReason"], facts["endedBy"]) == ("admin", "alice")


def test_one_that_expired_was_ended_by_nobody(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    facts = _facts(hers.session_id)

    assert facts["state"] == "expired"
    assert "endedAt" not in facts
    assert facts["inRedis"] == "no entry: the next request reads the database"


def test_no_secret_is_shown(api: ApiClient, alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    api.post("/refresh", {"refreshToken": hers.refresh})
    session = Session.objects.get()

    said = _show(hers.session_id) + _show(hers.session_id, "--json")

    assert session.previous_refresh_jti is not None
    for secret in (session.refresh_jti, session.previous_refresh_jti):
        assert str(secret) not in said
        assert secret.hex not in said
    assert alice.password not in said


def test_redis_that_is_away_is_said_to_be(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    breaker.record_failure()

    assert _facts(hers.session_id)["inRedis"] == "unknown: Redis is unavailable"


@pytest.mark.parametrize(
    ("given", "told"),
    [("x", "is not a session ID"), ("019a1fe1-e286-77d1-8584-f5a4ff92675a", "There is no such session")],
)
def test_an_id_of_no_session_is_an_error(given: str, told: str, db: None) -> None:
    with pytest.raises(CommandError, match=told) as error:
        _show(given)

    assert error.value.returncode == 1


def test_the_id_of_a_user_is_that_of_no_session(alice: User) -> None:
    with pytest.raises(CommandError, match="no such session"):
        _show(str(UUID(str(alice.id))))
