"""`manage.py explain_request` explains in one sentence why a request was rejected."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, Role, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.explanations import explain
from accounts.testing.service_client import make_service
from core.redis.client import breaker
from core.rejected_requests import writer
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]


@pytest.fixture(autouse=True)
def no_pending_records() -> None:
    writer.discard()


def test_a_session_ended_by_logout_all_names_the_request(alice: User, sign_in: SignIn) -> None:
    phone, laptop = sign_in(alice), sign_in(alice)
    action = laptop.client.post("/logout-all", {"exceptCurrent": True})

    output = explain(phone.client.get("/me"))

    assert output.startswith("401 session_revoked on GET /api/auth/me at ")
    assert f"session {phone.session_id} of user alice was ended by logout_all at " in output
    assert f"(request {action.headers['X-Request-Id']}, from 127.0.0.1" in output


def test_a_logout_names_its_device(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    session.client.post(
        "/logout", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"}
    )

    output = explain(session.client.get("/sessions"))

    assert "was ended by logout at" in output
    assert "Firefox on Linux)" in output


def test_reuse_of_a_refresh_token_names_the_session(
    api: ApiClient, alice: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.REFRESH_REUSE_GRACE = timedelta(0)
    session = sign_in(alice)
    api.post("/refresh", {"refreshToken": session.refresh})
    theft = api.post("/refresh", {"refreshToken": session.refresh})

    output = explain(theft)

    assert "401 refresh_token_reused on POST /api/auth/refresh at" in output
    assert f"session {session.session_id} of user alice was ended by refresh_reused" in output
    assert "was ended by refresh_reused" in explain(api.post("/refresh", {"refreshToken": session.refresh}))


def test_a_deactivation_names_the_administrator(alice: User, bob: User, sign_in: SignIn) -> None:
    User.objects.filter(id=alice.id).update(role=Role.ADMIN)
    User.objects.filter(id=bob.id).update(email_verified_at=timezone.now())
    session = sign_in(bob)
    sign_in(alice).client.patch(f"/users/{bob.id}", {"isActive": False})

    output = explain(session.client.get("/me"))

    assert f"session {session.session_id} of user bob was ended by account_deactivated" in output
    assert "(by user alice, request " in output


def test_a_session_ended_by_a_service_names_the_service(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    make_service().revoke(session.access)

    assert "was ended by service" in (output := explain(session.client.get("/me")))
    assert "by the service " in output


def test_a_deleted_session_is_explained_by_the_audit(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    session.client.post("/logout")
    Session.objects.all().delete()  # as cleanup does after HISTORY_RETENTION

    output = explain(session.client.get("/me"))

    assert f"session {session.session_id} of user alice has ended and was deleted" in output
    assert "most likely logout at" in output


def test_an_expired_access_token_names_its_session(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        output = explain(session.client.get("/me"))

    assert "401 token_expired" in output
    assert f"the access token had expired, and the client did not refresh it; session {session.session_id}" in output
    assert "is active, and expires at" in output


def test_an_expired_refresh_token_names_its_session(api: ApiClient, alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)

    with time_machine.travel(timezone.now() + timedelta(days=8)):
        response = api.post("/refresh", {"refreshToken": session.refresh})
    output = explain(response)

    assert "401 token_expired on POST /api/auth/refresh" in output
    assert f"session {session.session_id} of user alice was last refreshed at" in output


def test_a_foreign_token_is_reported_as_such(api: ApiClient, db: None) -> None:
    output = explain(api.bearing("a.b.c").get("/me"))

    assert "401 token_invalid on GET /api/auth/me" in output
    assert "the token was not issued by this service" in output


def test_a_missing_token_is_reported(api: ApiClient, db: None) -> None:
    assert "the request had no token" in explain(api.get("/me"))


@pytest.mark.parametrize(
    ("username", "reason"),
    [("alice", "the password of user alice was wrong"), ("unknown", "no account has the given username or email")],
)
def test_a_failed_login_has_the_reason_and_not_the_input(
    api: ApiClient, alice: User, username: str, reason: str
) -> None:
    output = explain(api.post("/login", {"username": username, "password": "Hunter2-Hunter2"}))

    assert "401 invalid_credentials" in output
    assert reason in output
    assert "Hunter2" not in output


def test_an_exceeded_limit_is_reported_with_its_size(api: ApiClient, alice: User, limits_on: Settings) -> None:
    for _ in range(6):
        response = api.post("/login", {"username": "alice", "password": "Wrong-Horse-7"})

    output = explain(response)

    assert "429 rate_limited on POST /api/auth/login" in output
    assert "(5 in 300 s) was exceeded; the response said to retry after" in output


def test_invalid_fields_are_named(api: ApiClient, db: None) -> None:
    output = explain(api.post("/register", {"email": "no address", "username": "x", "password": PASSWORD}))

    assert "400 validation_error on POST /api/auth/register" in output
    assert "invalid fields: username, email." in output
    assert PASSWORD not in output


def test_an_object_of_another_user_is_reported_by_route_and_not_by_path(
    alice: User, bob: User, sign_in: SignIn
) -> None:
    output = explain(sign_in(alice).client.get(f"/sessions/{bob.id}"))

    assert "404 not_found on GET /api/auth/sessions/{pk}" in output
    assert "does not belong to user alice" in output
    assert str(bob.id) not in output


def test_an_unknown_path_is_reported_without_the_path(api: ApiClient, db: None) -> None:
    output = explain(api.get("/secret-in-the-path"))

    assert "404 not_found on GET an unknown path" in output
    assert "secret" not in output


def test_a_missing_permission_is_reported_with_the_role(alice: User, sign_in: SignIn) -> None:
    assert "user alice, whose role is now USER, does not have permission" in explain(
        sign_in(alice).client.get("/users")
    )


def test_an_internal_error_refers_to_the_log(alice: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    session = sign_in(alice)
    session.client.raise_request_exception = False
    monkeypatch.setattr("sessions_tracking.services.list_active", lambda **_: 1 / 0)

    response = session.client.get("/sessions")

    assert f"the log lines with [{response.headers['X-Request-Id']}] have the details" in explain(response)


def test_a_successful_request_is_described_from_the_audit(alice: User, sign_in: SignIn) -> None:
    response = sign_in(alice).client.post("/logout")

    assert "No rejected request has this ID. Audit events of this request: logout at" in explain(response)


def test_a_success_is_not_recorded(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)

    assert session.client.get("/me").status_code == 200
    assert session.client.get("/forward-auth").status_code == 200

    assert not writer._pending


def test_an_unknown_id_is_an_error_with_a_hint(api: ApiClient, db: None) -> None:
    with pytest.raises(CommandError, match=r"There is no record of this request.*24 hours") as error:
        call_command("explain_request", "0" * 32)

    assert error.value.returncode == 1


def test_the_hint_says_if_rejected_requests_are_not_recorded(api: ApiClient, db: None, settings: Settings) -> None:
    settings.REJECTED_REQUEST_RETENTION = timedelta(0)

    with pytest.raises(CommandError, match="REJECTED_REQUEST_RETENTION=0"):
        explain(api.get("/me"))


def test_without_redis_the_audit_is_used(alice: User, sign_in: SignIn) -> None:
    response = sign_in(alice).client.post("/logout")
    breaker.record_failure()

    assert "logout at" in explain(response)
    with pytest.raises(CommandError, match="Redis.*is unavailable"):
        call_command("explain_request", "0" * 32)


def test_a_deleted_user_is_named_by_id(alice: User, sign_in: SignIn) -> None:
    session = sign_in(alice)
    session.client.delete("/me", {"password": PASSWORD})

    output = explain(session.client.get("/me"))

    assert f"of deleted user {alice.id} has ended" in output
    assert "most likely account_deleted" in output
    assert not Session.objects.exists()
    assert AuditEvent.objects.exists()
