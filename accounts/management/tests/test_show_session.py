"""`manage.py show_session` shows everything known about a session except secrets."""

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


def test_an_active_session_is_shown_with_user_device_ip_and_cache_entry(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice, deviceName="My laptop")
    session.client.get("/me")

    facts = _facts(session.session_id)

    assert facts["state"] == "active"
    assert (facts["user"], facts["email"], facts["role"]) == ("alice", "alice@example.com", "USER")
    assert (facts["name"], facts["device"], facts["ip"]) == (
        "My laptop", "Desktop, Chrome, Windows 10", "127.0.0.1",
    )  # fmt: skip
    assert facts["inRedis"].startswith("an entry for alice, USER, for ")
    assert "endedAt" not in facts


def test_the_default_output_has_one_line_per_fact(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)

    lines = _show(session.session_id).splitlines()

    assert lines[0].split() == ["session", session.session_id]
    assert lines[1].split() == ["state", "active"]
    assert any(line.split() == ["userIsActive", "yes"] for line in lines)


def test_an_ended_session_is_shown_with_reason_actor_and_ip(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    action = session.client.post("/logout")

    facts = _facts(session.session_id)

    assert (facts["state"], facts["endReason"], facts["endedBy"]) == ("ended", "logout", "alice")
    assert (facts["endedFromIp"], facts["endedByRequest"]) == ("127.0.0.1", action.headers["X-Request-Id"])
    assert facts["inRedis"].startswith("revoked, for ")


def test_a_session_ended_by_an_administrator_names_the_administrator(
    alice: User, mallory: User, sign_in: SignIn
) -> None:
    User.objects.filter(id=alice.id).update(role=Role.ADMIN)
    session = sign_in(mallory)
    sign_in(alice).client.post(f"/users/{mallory.id}/revoke-sessions")

    facts = _facts(session.session_id)

    assert (facts["endReason"], facts["endedBy"]) == ("admin", "alice")


def test_an_expired_session_has_no_end_reason(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    facts = _facts(session.session_id)

    assert facts["state"] == "expired"
    assert "endedAt" not in facts
    assert facts["inRedis"] == "no entry: the next request reads the database"


def test_no_secret_is_shown(api: ApiClient, alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)
    api.post("/refresh", {"refreshToken": signed_in.refresh})
    session = Session.objects.get()

    output = _show(signed_in.session_id) + _show(signed_in.session_id, "--json")

    assert session.previous_refresh_jti is not None
    for secret in (session.refresh_jti, session.previous_refresh_jti):
        assert str(secret) not in output
        assert secret.hex not in output
    assert alice.password not in output


def test_an_unavailable_redis_is_reported(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    breaker.record_failure()

    assert _facts(session.session_id)["inRedis"] == "unknown: Redis is unavailable"


@pytest.mark.parametrize(
    ("given", "message"),
    [("x", "is not a session ID"), ("019a1fe1-e286-77d1-8584-f5a4ff92675a", "There is no such session")],
)
def test_an_unknown_session_id_is_an_error(given: str, message: str, db: None) -> None:
    with pytest.raises(CommandError, match=message) as error:
        _show(given)

    assert error.value.returncode == 1


def test_the_id_of_a_user_is_not_a_session_id(alice: User) -> None:
    with pytest.raises(CommandError, match="no such session"):
        _show(str(UUID(str(alice.id))))
