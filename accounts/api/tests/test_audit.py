"""The audit: a row for each security event, with who and whence, and no secret in any."""

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
def here(alice: User, sign_in: SignIn) -> SignedIn:
    """alice, signed in, and the audit still empty."""
    signed_in = sign_in(alice)
    AuditEvent.objects.all().delete()
    return signed_in


def _rows() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Kind, whom, who and facts of each row, oldest first; people by their names."""
    names = {user.id: user.username for user in User.objects.all()} | {None: ""}
    return [
        (event.kind, names.get(event.user_id, "gone"), names.get(event.actor_id, "gone"), event.facts)
        for event in AuditEvent.objects.order_by("created_at", "id")
    ]


def test_a_sign_up_and_its_proof(api: ApiClient, db: None, outbox: Outbox) -> None:
    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})
    api.post("/verify-email", {"email": "eve@example.com", "code": code_in(outbox()[0])})

    assert _rows() == [("registered", "eve", "eve", {}), ("email_verified", "eve", "eve", {"how": "code"})]


def test_a_link_is_told_apart_from_a_code_and_counts_once(api: ApiClient, bob: User, outbox: Outbox) -> None:
    api.post("/resend-verification", {"email": bob.email})
    query = {"email": bob.email, "token": token_in(outbox()[0])}
    for _ in range(2):
        assert api.get("/verify-email", query_params=query).status_code == 200

    assert _rows() == [("email_verified", "bob", "bob", {"how": "link"})]


def test_what_failed_at_registration_is_no_event(api: ApiClient, alice: User) -> None:
    api.post("/register", {"email": alice.email, "username": "other", "password": PASSWORD})

    assert _rows() == []


def test_a_sign_in_names_session_address_device_and_request(alice: User) -> None:
    api = ApiClient(HTTP_USER_AGENT=CHROME)

    reply = api.post("/login", {"username": "alice", "password": PASSWORD})

    event = AuditEvent.objects.get()
    facts = {"newDevice": False, "secondFactor": False, "sessionsEnded": 0}
    assert (event.kind, event.user_id, event.actor_id, event.facts) == ("login", alice.id, alice.id, facts)
    assert str(event.session_id) == reply.json()["data"]["session"]["id"]
    assert (event.ip, event.device, event.request_id) == ("127.0.0.1", "Chrome, Windows", reply["X-Request-Id"])


def test_a_failed_sign_in_names_the_account_and_never_what_was_typed(api: ApiClient, alice: User, bob: User) -> None:
    User.objects.create_user("carl", "carl@example.com", PASSWORD, is_active=False)
    typed = [("alice", "Wrong-Horse-7"), ("My-Secret-Pass-1", "x"), ("bob", PASSWORD), ("carl", PASSWORD)]
    for name, password in typed:
        api.post("/login", {"identifier": name, "password": password})

    assert _rows() == [
        ("login_failed", "alice", "", {"reason": "wrong_password"}),
        ("login_failed", "", "", {"reason": "unknown_account"}),
        ("login_failed", "bob", "", {"reason": "email_not_verified"}),
        ("login_failed", "carl", "", {"reason": "inactive"}),
    ]
    assert "My-Secret" not in _everything_stored()


def test_a_session_that_gives_way_is_counted_with_the_sign_in(alice: User, sign_in: SignIn, settings: Any) -> None:
    settings.MAX_SESSIONS_PER_USER = 1
    sign_in(alice)
    sign_in(alice)

    assert [event.facts["sessionsEnded"] for event in AuditEvent.objects.order_by("id")] == [0, 1]


def test_a_sign_out_counts_when_it_ended_something(here: SignedIn) -> None:
    client = ApiClient()
    for _ in range(2):
        assert client.post("/logout", {"refreshToken": here.refresh}).status_code == 200
    client.post("/logout")

    assert _rows() == [("logout", "alice", "alice", {})]
    assert str(AuditEvent.objects.get().session_id) == here.session_id


def test_the_end_of_another_session_is_told_from_a_sign_out(here: SignedIn, alice: User, sign_in: SignIn) -> None:
    others = [sign_in(alice), sign_in(alice)]
    AuditEvent.objects.all().delete()

    here.client.delete(f"/sessions/{others[0].session_id}")
    here.client.delete(f"/sessions/{others[0].session_id}")
    here.client.post("/logout", {"sessionId": others[1].session_id})

    assert [row[:3] for row in _rows()] == [("session_revoked", "alice", "alice")] * 2
    ended = AuditEvent.objects.order_by("id").values_list("session_id", flat=True)
    assert [str(session_id) for session_id in ended] == [other.session_id for other in others]


def test_somebody_elses_session_leaves_no_event(here: SignedIn, mallory: User, sign_in: SignIn) -> None:
    attacker = sign_in(mallory).client
    AuditEvent.objects.all().delete()

    attacker.delete(f"/sessions/{here.session_id}")
    attacker.post("/logout", {"sessionId": here.session_id})

    assert _rows() == []


def test_a_session_over_by_the_clock_ends_for_good_all_the_same(here: SignedIn, alice: User, sign_in: SignIn) -> None:
    other = sign_in(alice)
    Session.objects.filter(id=other.session_id).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert here.client.delete(f"/sessions/{other.session_id}").status_code == 404

    assert Session.objects.get(id=other.session_id).revoked_at is not None


def test_signing_out_everywhere_says_how_many_sessions(here: SignedIn, alice: User, sign_in: SignIn) -> None:
    sign_in(alice)
    AuditEvent.objects.all().delete()
    here.client.post("/logout-all", {"exceptCurrent": True})
    here.client.post("/logout-all", {"exceptCurrent": True})

    assert _rows() == [("logout_all", "alice", "alice", {"sessionsEnded": 1})]


def test_a_stolen_refresh_token(here: SignedIn) -> None:
    ApiClient().post("/refresh", {"refreshToken": here.refresh})
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=30), tick=False):
        for _ in range(2):
            ApiClient().post("/refresh", {"refreshToken": here.refresh})

    assert _rows() == [("refresh_token_reused", "alice", "", {})]
    assert str(AuditEvent.objects.get().session_id) == here.session_id


def test_passwords_changed_and_reset(here: SignedIn, alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    sign_in(alice)
    AuditEvent.objects.all().delete()
    here.client.post("/change-password", {"currentPassword": "Wrong-Horse-7", "newPassword": NEW})
    here.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})
    ApiClient().post("/forgot-password", {"email": alice.email})
    reset = {"token": token_in(outbox()[-1]), "newPassword": "Third-Horse-9"}
    for _ in range(2):
        ApiClient().post("/reset-password", reset)

    assert _rows() == [
        ("password_changed", "alice", "alice", {"sessionsEnded": 1}),
        ("password_reset", "alice", "alice", {"sessionsEnded": 1}),
    ]


def test_a_reset_that_proves_the_address(api: ApiClient, bob: User, outbox: Outbox) -> None:
    api.post("/forgot-password", {"email": bob.email})
    api.post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": NEW})

    assert [row[:1] + row[3:] for row in _rows()] == [
        ("email_verified", {"how": "password_reset"}),
        ("password_reset", {"sessionsEnded": 0, "takeOver": True}),
    ]


def test_a_password_set_on_the_command_line(alice: User) -> None:
    with patch("getpass.getpass", return_value=NEW):
        call_command("changepassword", "alice", stdout=StringIO())

    (event,) = AuditEvent.objects.all()
    assert (event.kind, event.user_id, event.actor_id) == ("password_changed", alice.id, None)
    assert (event.ip, event.device, event.request_id) == (None, "", "")


def test_a_user_made_on_the_command_line_changed_no_password(db: None) -> None:
    User.objects.create_superuser("grace", "grace@example.com", PASSWORD)

    assert not AuditEvent.objects.exists()


def test_a_profile_is_told_by_the_names_of_its_fields(here: SignedIn) -> None:
    here.client.patch("/me", {"firstName": "Secretname", "language": "fr"})
    here.client.patch("/me", {})
    here.client.patch("/me", {"username": "admin"})

    assert _rows() == [("profile_changed", "alice", "alice", {"fields": "firstName, language"})]


def test_a_change_of_address_and_its_undoing(here: SignedIn, outbox: Outbox) -> None:
    here.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    code = code_in(next(message for message in outbox() if message.to == ["alice@example.org"]))
    here.client.post("/change-email/confirm", {"code": code})
    ApiClient().post("/change-email/undo", {"token": token_in(outbox()[-1])})

    assert _rows() == [
        ("email_change_requested", "alice", "alice", {}),
        ("email_changed", "alice", "alice", {}),
        ("email_change_undone", "alice", "alice", {"sessionsEnded": 1}),
    ]


def test_the_row_of_a_deletion_outlives_the_account_and_names_nobody(here: SignedIn, alice: User) -> None:
    user_id = alice.id
    here.client.get("/me/export")
    here.client.delete("/me", {"password": PASSWORD})

    events = AuditEvent.objects.filter(user_id=user_id).order_by("id")
    assert [event.kind for event in events] == ["data_exported", "account_deleted"]
    assert "alice" not in _everything_stored()
    assert not OutboxEmail.objects.filter(user_id=user_id).exists()


def test_what_cannot_be_told_does_not_happen(here: SignedIn, alice: User) -> None:
    for path, body in (
        ("/logout", {}),
        ("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}),
        ("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD}),
    ):
        with patch.object(audit, "insert", side_effect=OperationalError):
            assert here.client.post(path, body).status_code == 503

    assert here.client.get("/me").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert not OutboxEmail.objects.exists()


def test_no_row_holds_a_secret(here: SignedIn, admin: User, sign_in: SignIn, outbox: Outbox, api: ApiClient) -> None:
    alice = here.user
    secrets = [PASSWORD, NEW, "Wrong-Horse-7", here.access, here.refresh]
    api.post("/login", {"identifier": "Wrong-Horse-7", "password": "Wrong-Horse-7"})
    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})
    api.post("/verify-email", {"email": "eve@example.com", "code": code_in(outbox()[-1])})
    here.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    code = code_in(next(message for message in outbox() if message.to == ["alice@example.org"]))
    here.client.post("/change-email/confirm", {"code": code})
    api.post("/change-email/undo", {"token": token_in(outbox()[-1])})
    reset = {"token": token_in(outbox()[-1]), "newPassword": NEW}
    api.post("/reset-password", reset)
    secrets += _walk_of_the_second_factor(sign_in(alice, password=NEW))
    administrator = sign_in(admin)
    administrator.client.patch(f"/users/{alice.id}", {"password": "Admins-Horse-1", "email": "a@example.net"})
    administrator.client.delete(f"/users/{alice.id}")

    stored = _everything_stored()
    tokens = [token_in(message) for message in outbox() if "token=" in str(message.body)]
    secrets += [*tokens, code, "Admins-Horse-1", administrator.access, administrator.refresh]
    assert AuditEvent.objects.count() >= 10
    assert len(tokens) >= 4
    assert not [secret for secret in secrets if secret in stored]
    assert "example." not in stored
    assert "bcrypt" not in stored


def _walk_of_the_second_factor(session: SignedIn) -> list[str]:
    """What it has shown."""
    alice_with_totp = enrol(session)
    token, wrong = alice_with_totp.pending(password=NEW), alice_with_totp.app.wrong_code()
    verify(token, code=wrong)
    assert verify(token, recoveryCode=alice_with_totp.recovery_codes[0]).status_code == 200
    return [alice_with_totp.app.secret, token, wrong, *alice_with_totp.recovery_codes]


def _everything_stored() -> str:
    """All columns that hold text."""
    rows = AuditEvent.objects.values("kind", "device", "facts", "request_id")
    return json.dumps([row | {"request_id": ""} for row in rows])


def test_a_forged_user_agent_is_a_plain_label(api: ApiClient, alice: User) -> None:
    agent = "Mozilla/5.0 \x1b[31m\r\nforged " + "x" * 5_000
    body = {"username": "alice", "password": PASSWORD}
    ApiClient(HTTP_USER_AGENT=agent).post("/login", body)

    event = AuditEvent.objects.get()
    assert event.device.isprintable()
    assert len(event.device) <= 160


def test_it_goes_after_its_retention(here: SignedIn, alice: User, sign_in: SignIn) -> None:
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


def test_staff_may_look_at_it_and_nothing_else(browser: Client, here: SignedIn, alice: User, sign_in: SignIn) -> None:
    sign_in(alice)
    event = AuditEvent.objects.get()
    page = f"/admin/accounts/auditevent/{event.id}"

    assert browser.get(f"{page}/change/").status_code == 200
    for path in (f"{page}/change/", f"{page}/delete/", "/admin/accounts/auditevent/add/"):
        assert browser.post(path, {"kind": "logout", "post": "yes"}).status_code == 403
    assert AuditEvent.objects.get().kind == "login"


def test_staff_find_events_by_people_by_whole_ids_and_by_kinds(
    browser: Client, here: SignedIn, mallory: User, sign_in: SignIn
) -> None:
    sign_in(here.user)
    sign_in(mallory)
    here.client.post("/logout")
    event = AuditEvent.objects.get(user_id=mallory.id)

    def found(query: str) -> int:
        reply = browser.get(f"/admin/accounts/auditevent/?{query}")
        assert reply.status_code == 200
        return len(reply.context["cl"].result_list)

    assert found("") == 3
    assert found(f"q={here.user.id}") == 2
    assert found(f"q={event.request_id}") == 1
    assert found("q=mallory") == 1
    assert found("q=allory") == 0
    assert found("q=%25") == 0
    assert found("kind=logout") == 1


def test_what_staff_do_to_a_user_is_kept_by_id_alone(browser: Client, alice: User) -> None:
    browser.post(f"/admin/accounts/user/{alice.id}/delete/", {"post": "yes"})

    assert AuditEvent.objects.get().kind == "account_deleted"
    assert not LogEntry.objects.exists()
