"""Audit events: user, actor and origin of each security event, and no secret."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client

from accounts import audit
from accounts.models import AuditEvent, OutboxEmail, User
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import enrol, verify
from sessions_tracking.models import Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"


@pytest.fixture
def signed_in(alice: User, sign_in: SignIn) -> SignedIn:
    """Sign alice in, and empty the audit."""
    session = sign_in(alice)
    AuditEvent.objects.all().delete()
    return session


def _events() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return kind, username, actor and facts of all events, oldest first."""
    names = {user.id: user.username for user in User.objects.all()} | {None: ""}
    return [
        (event.kind, names.get(event.user_id, "gone"), names.get(event.actor_id, "gone"), event.facts)
        for event in AuditEvent.objects.order_by("created_at", "id")
    ]


def test_registration_and_verification_are_recorded(api: ApiClient, db: None, outbox: Outbox) -> None:
    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})
    api.post("/verify-email", {"email": "eve@example.com", "code": code_in(outbox()[0])})

    assert _events() == [("registered", "eve", "eve", {}), ("email_verified", "eve", "eve", {"how": "code"})]


def test_verification_by_link_is_recorded_once(api: ApiClient, bob: User, outbox: Outbox) -> None:
    api.post("/resend-verification", {"email": bob.email})
    query = {"email": bob.email, "token": token_in(outbox()[0])}
    for _ in range(2):
        assert api.get("/verify-email", query_params=query).status_code == 200

    assert _events() == [("email_verified", "bob", "bob", {"how": "link"})]


def test_a_failed_registration_is_not_recorded(api: ApiClient, alice: User) -> None:
    api.post("/register", {"email": alice.email, "username": "other", "password": PASSWORD})

    assert _events() == []


def test_a_login_event_has_session_ip_device_and_request_id(alice: User) -> None:
    api = ApiClient(HTTP_USER_AGENT=CHROME)

    response = api.post("/login", {"username": "alice", "password": PASSWORD})

    event = AuditEvent.objects.get()
    facts = {"newDevice": False, "amr": "pwd", "sessionsEnded": 0}
    assert (event.kind, event.user_id, event.actor_id, event.facts) == ("login", alice.id, alice.id, facts)
    assert str(event.session_id) == response.json()["data"]["session"]["id"]
    assert (event.ip, event.device, event.request_id) == ("127.0.0.1", "Chrome, Windows", response["X-Request-Id"])


def test_a_failed_login_event_names_the_account_but_not_the_input(api: ApiClient, alice: User, bob: User) -> None:
    User.objects.create_user("carl", "carl@example.com", PASSWORD, is_active=False)
    credentials = [("alice", "Wrong-Horse-7"), ("My-Secret-Pass-1", "x"), ("bob", PASSWORD), ("carl", PASSWORD)]
    for name, password in credentials:
        api.post("/login", {"identifier": name, "password": password})

    assert _events() == [
        ("login_failed", "alice", "", {"reason": "wrong_password"}),
        ("login_failed", "", "", {"reason": "unknown_account"}),
        ("login_failed", "bob", "", {"reason": "email_not_verified"}),
        ("login_failed", "carl", "", {"reason": "inactive"}),
    ]
    assert "My-Secret" not in _stored_text()


def test_a_login_event_counts_sessions_revoked_by_the_session_limit(
    alice: User, sign_in: SignIn, settings: Any
) -> None:
    settings.MAX_SESSIONS_PER_USER = 1
    sign_in(alice)
    sign_in(alice)

    assert [event.facts["sessionsEnded"] for event in AuditEvent.objects.order_by("id")] == [0, 1]


def test_a_logout_is_recorded_only_if_it_revoked_a_session(signed_in: SignedIn) -> None:
    client = ApiClient()
    for _ in range(2):
        assert client.post("/logout", {"refreshToken": signed_in.refresh}).status_code == 200
    client.post("/logout")

    assert _events() == [("logout", "alice", "alice", {})]
    assert str(AuditEvent.objects.get().session_id) == signed_in.session_id


def test_revoking_another_session_is_recorded_as_session_revoked(
    signed_in: SignedIn, alice: User, sign_in: SignIn
) -> None:
    others = [sign_in(alice), sign_in(alice)]
    AuditEvent.objects.all().delete()

    signed_in.client.delete(f"/sessions/{others[0].session_id}")
    signed_in.client.delete(f"/sessions/{others[0].session_id}")
    signed_in.client.post("/logout", {"sessionId": others[1].session_id})

    assert [event[:3] for event in _events()] == [("session_revoked", "alice", "alice")] * 2
    ended = AuditEvent.objects.order_by("id").values_list("session_id", flat=True)
    assert [str(session_id) for session_id in ended] == [other.session_id for other in others]


def test_an_attempt_to_revoke_a_foreign_session_is_not_recorded(
    signed_in: SignedIn, mallory: User, sign_in: SignIn
) -> None:
    attacker = sign_in(mallory).client
    AuditEvent.objects.all().delete()

    attacker.delete(f"/sessions/{signed_in.session_id}")
    attacker.post("/logout", {"sessionId": signed_in.session_id})

    assert _events() == []


def test_an_expired_session_can_still_be_revoked(signed_in: SignedIn, alice: User, sign_in: SignIn) -> None:
    other = sign_in(alice)
    Session.objects.filter(id=other.session_id).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert signed_in.client.delete(f"/sessions/{other.session_id}").status_code == 404

    assert Session.objects.get(id=other.session_id).revoked_at is not None


def test_a_logout_all_event_counts_the_revoked_sessions(signed_in: SignedIn, alice: User, sign_in: SignIn) -> None:
    sign_in(alice)
    AuditEvent.objects.all().delete()
    signed_in.client.post("/logout-all", {"exceptCurrent": True})
    signed_in.client.post("/logout-all", {"exceptCurrent": True})

    assert _events() == [("logout_all", "alice", "alice", {"sessionsEnded": 1})]


def test_refresh_token_reuse_is_recorded_once(signed_in: SignedIn) -> None:
    ApiClient().post("/refresh", {"refreshToken": signed_in.refresh})
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=30), tick=False):
        for _ in range(2):
            ApiClient().post("/refresh", {"refreshToken": signed_in.refresh})

    assert _events() == [("refresh_token_reused", "alice", "", {})]
    assert str(AuditEvent.objects.get().session_id) == signed_in.session_id


def test_password_changes_and_resets_are_recorded(
    signed_in: SignedIn, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    sign_in(alice)
    AuditEvent.objects.all().delete()
    signed_in.client.post("/change-password", {"currentPassword": "Wrong-Horse-7", "newPassword": NEW})
    signed_in.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})
    ApiClient().post("/forgot-password", {"email": alice.email})
    reset = {"token": token_in(outbox()[-1]), "newPassword": "Third-Horse-9"}
    for _ in range(2):
        ApiClient().post("/reset-password", reset)

    assert _events() == [
        ("password_changed", "alice", "alice", {"sessionsEnded": 1}),
        ("password_reset", "alice", "alice", {"sessionsEnded": 1}),
    ]


def test_a_reset_that_verifies_the_email_is_recorded(api: ApiClient, bob: User, outbox: Outbox) -> None:
    api.post("/forgot-password", {"email": bob.email})
    api.post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": NEW})

    assert [event[:1] + event[3:] for event in _events()] == [
        ("email_verified", {"how": "password_reset"}),
        ("password_reset", {"sessionsEnded": 0, "takeOver": True}),
    ]


def test_a_password_change_on_the_command_line_is_recorded(alice: User) -> None:
    with patch("getpass.getpass", return_value=NEW):
        call_command("changepassword", "alice", stdout=StringIO())

    (event,) = AuditEvent.objects.all()
    assert (event.kind, event.user_id, event.actor_id) == ("password_changed", alice.id, None)
    assert (event.ip, event.device, event.request_id) == (None, "", "")


def test_creating_a_user_on_the_command_line_is_not_a_password_change(db: None) -> None:
    User.objects.create_superuser("grace", "grace@example.com", PASSWORD)

    assert not AuditEvent.objects.exists()


def test_a_profile_change_is_recorded_with_field_names_only(signed_in: SignedIn) -> None:
    signed_in.client.patch("/me", {"firstName": "Secretname", "language": "fr"})
    signed_in.client.patch("/me", {})
    signed_in.client.patch("/me", {"username": "admin"})

    assert _events() == [("profile_changed", "alice", "alice", {"fields": "firstName, language"})]


def test_an_email_change_and_its_undo_are_recorded(signed_in: SignedIn, outbox: Outbox) -> None:
    signed_in.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    code = code_in(next(message for message in outbox() if message.to == ["alice@example.org"]))
    signed_in.client.post("/change-email/confirm", {"code": code})
    ApiClient().post("/change-email/undo", {"token": token_in(outbox()[-1])})

    assert _events() == [
        ("email_change_requested", "alice", "alice", {}),
        ("email_changed", "alice", "alice", {}),
        ("email_change_undone", "alice", "alice", {"sessionsEnded": 1}),
    ]


def test_a_deletion_event_outlives_the_account_without_personal_data(signed_in: SignedIn, alice: User) -> None:
    user_id = alice.id
    signed_in.client.get("/me/export")
    signed_in.client.delete("/me", {"password": PASSWORD})

    events = AuditEvent.objects.filter(user_id=user_id).order_by("id")
    assert [event.kind for event in events] == ["data_exported", "account_deleted"]
    assert "alice" not in _stored_text()
    assert not OutboxEmail.objects.filter(user_id=user_id).exists()


def test_a_change_that_cannot_be_recorded_is_rolled_back(signed_in: SignedIn, alice: User) -> None:
    for path, body in (
        ("/logout", {}),
        ("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}),
        ("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD}),
    ):
        with patch.object(audit, "insert", side_effect=OperationalError):
            assert signed_in.client.post(path, body).status_code == 503

    assert signed_in.client.get("/me").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert not OutboxEmail.objects.exists()


def test_no_event_contains_a_secret(
    signed_in: SignedIn, admin: User, sign_in: SignIn, outbox: Outbox, api: ApiClient
) -> None:
    alice = signed_in.user
    secrets = [PASSWORD, NEW, "Wrong-Horse-7", signed_in.access, signed_in.refresh]
    api.post("/login", {"identifier": "Wrong-Horse-7", "password": "Wrong-Horse-7"})
    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})
    api.post("/verify-email", {"email": "eve@example.com", "code": code_in(outbox()[-1])})
    signed_in.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    code = code_in(next(message for message in outbox() if message.to == ["alice@example.org"]))
    signed_in.client.post("/change-email/confirm", {"code": code})
    api.post("/change-email/undo", {"token": token_in(outbox()[-1])})
    reset = {"token": token_in(outbox()[-1]), "newPassword": NEW}
    api.post("/reset-password", reset)
    secrets += _use_second_factor(sign_in(alice, password=NEW))
    administrator = sign_in(admin)
    administrator.client.patch(f"/users/{alice.id}", {"password": "Admins-Horse-1", "email": "a@example.net"})
    administrator.client.delete(f"/users/{alice.id}")

    stored = _stored_text()
    tokens = [token_in(message) for message in outbox() if "token=" in str(message.body)]
    secrets += [*tokens, code, "Admins-Horse-1", administrator.access, administrator.refresh]
    assert AuditEvent.objects.count() >= 10
    assert len(tokens) >= 4
    assert not [secret for secret in secrets if secret in stored]
    assert "example." not in stored
    assert "bcrypt" not in stored


def _use_second_factor(session: SignedIn) -> list[str]:
    """Enrol, fail and succeed with a second factor. Return the secrets that were shown."""
    alice_with_totp = enrol(session)
    token, wrong = alice_with_totp.pending(password=NEW), alice_with_totp.app.wrong_code()
    verify(token, code=wrong)
    assert verify(token, recoveryCode=alice_with_totp.recovery_codes[0]).status_code == 200
    return [alice_with_totp.app.secret, token, wrong, *alice_with_totp.recovery_codes]


def _stored_text() -> str:
    """Return the text columns of all events."""
    rows = AuditEvent.objects.values("kind", "device", "facts", "request_id")
    return json.dumps([row | {"request_id": ""} for row in rows])


def test_a_forged_user_agent_is_stored_as_a_short_printable_label(api: ApiClient, alice: User) -> None:
    agent = "Mozilla/5.0 \x1b[31m\r\nforged " + "x" * 5_000
    body = {"username": "alice", "password": PASSWORD}
    ApiClient(HTTP_USER_AGENT=agent).post("/login", body)

    event = AuditEvent.objects.get()
    assert event.device.isprintable()
    assert len(event.device) <= 160


def test_events_are_deleted_after_the_retention_period(signed_in: SignedIn, alice: User, sign_in: SignIn) -> None:
    sign_in(alice)
    AuditEvent.objects.update(created_at=datetime.now(UTC) - timedelta(days=180, minutes=1))
    recent = sign_in(alice)

    call_command("cleanup_tokens", verbosity=0)

    assert [str(event.session_id) for event in AuditEvent.objects.all()] == [recent.session_id]


@pytest.fixture
def browser(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def test_staff_can_view_but_not_change_events(
    browser: Client, signed_in: SignedIn, alice: User, sign_in: SignIn
) -> None:
    sign_in(alice)
    event = AuditEvent.objects.get()
    url = f"/admin/accounts/auditevent/{event.id}"

    assert browser.get(f"{url}/change/").status_code == 200
    for path in (f"{url}/change/", f"{url}/delete/", "/admin/accounts/auditevent/add/"):
        assert browser.post(path, {"kind": "logout", "post": "yes"}).status_code == 403
    assert AuditEvent.objects.get().kind == "login"


def test_staff_can_search_events_by_user_id_and_kind(
    browser: Client, signed_in: SignedIn, mallory: User, sign_in: SignIn
) -> None:
    sign_in(signed_in.user)
    sign_in(mallory)
    signed_in.client.post("/logout")
    event = AuditEvent.objects.get(user_id=mallory.id)

    def count_results(query: str) -> int:
        response = browser.get(f"/admin/accounts/auditevent/?{query}")
        assert response.status_code == 200
        return len(response.context["cl"].result_list)

    assert count_results("") == 3
    assert count_results(f"q={signed_in.user.id}") == 2
    assert count_results(f"q={event.request_id}") == 1
    assert count_results("q=mallory") == 1
    assert count_results("q=allory") == 0
    assert count_results("q=%25") == 0
    assert count_results("kind=logout") == 1


def test_staff_actions_on_a_user_are_recorded_by_id_only(browser: Client, alice: User) -> None:
    browser.post(f"/admin/accounts/user/{alice.id}/delete/", {"post": "yes"})

    assert AuditEvent.objects.get().kind == "account_deleted"
    assert not LogEntry.objects.exists()
