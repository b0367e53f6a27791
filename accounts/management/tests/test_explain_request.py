"""`manage.py explain_request`: a refusal is explained by its request's id, in a sentence with facts."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, Role, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.service_client import make_service
from core.redis.client import breaker
from core.rejected_requests import writer
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    writer.discard()


def _why(reply: Any) -> str:
    writer.write()
    out = StringIO()
    call_command("explain_request", reply.headers["X-Request-Id"], stdout=out)
    return out.getvalue()


def test_a_session_that_was_ended_by_logout_all_names_the_request_that_did_it(alice: User, sign_in: SignIn) -> None:
    phone, laptop = sign_in(alice), sign_in(alice)
    deed = laptop.client.post("/logout-all", {"exceptCurrent": True})

    said = _why(phone.client.get("/me"))

    assert said.startswith("401 session_revoked on GET /api/auth/me at ")
    assert f"session {phone.session_id} of user alice was ended by logout_all at " in said
    assert f"(request {deed.headers['X-Request-Id']}, from 127.0.0.1" in said


def test_a_logout_is_told_with_the_device_it_came_from(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    hers.client.post(
        "/logout", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"}
    )

    said = _why(hers.client.get("/sessions"))

    assert "was ended by logout at" in said
    assert "Firefox on Linux)" in said


def test_reuse_of_a_refresh_token_is_told_with_its_session(
    api: ApiClient, alice: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.REFRESH_REUSE_GRACE = timedelta(0)
    hers = sign_in(alice)
    api.post("/refresh", {"refreshToken": hers.refresh})
    theft = api.post("/refresh", {"refreshToken": hers.refresh})

    said = _why(theft)

    assert "401 refresh_token_reused on POST /api/auth/refresh at" in said
    assert f"session {hers.session_id} of user alice was ended by refresh_reused" in said
    assert "was ended by refresh_reused" in _why(api.post("/refresh", {"refreshToken": hers.refresh}))


def test_a_deactivation_names_the_administrator(alice: User, bob: User, sign_in: SignIn) -> None:
    User.objects.filter(id=alice.id).update(role=Role.ADMIN)
    User.objects.filter(id=bob.id).update(email_verified_at=timezone.now())
    his = sign_in(bob)
    sign_in(alice).client.patch(f"/users/{bob.id}", {"isActive": False})

    said = _why(his.client.get("/me"))

    assert f"session {his.session_id} of user bob was ended by account_deactivated" in said
    assert "(by user alice, request " in said


def test_a_service_that_ended_a_session_is_named(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    make_service().revoke(hers.access)

    assert "was ended by service" in (said := _why(hers.client.get("/me")))
    assert "by the service " in said


def test_a_session_whose_row_is_gone_is_explained_by_the_audit(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    hers.client.post("/logout")
    Session.objects.all().delete()  # as cleanup does after HISTORY_RETENTION

    said = _why(hers.client.get("/me"))

    assert f"session {hers.session_id} of user alice has ended and was deleted" in said
    assert "most likely logout at" in said


def test_an_expired_token_leads_to_its_session(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        said = _why(hers.client.get("/me"))

    assert "401 token_expired" in said
    assert f"the access token had expired, and the client did not refresh it; session {hers.session_id}" in said
    assert "is active, and expires at" in said


def test_an_expired_refresh_token_leads_to_its_session_too(api: ApiClient, alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)

    with time_machine.travel(timezone.now() + timedelta(days=8)):
        reply = api.post("/refresh", {"refreshToken": hers.refresh})
    said = _why(reply)

    assert "401 token_expired on POST /api/auth/refresh" in said
    assert f"session {hers.session_id} of user alice was last refreshed at" in said


def test_a_token_of_somebody_elses_making_is_not_ours(api: ApiClient, db: None) -> None:
    said = _why(api.bearing("a.b.c").get("/me"))

    assert "401 token_invalid on GET /api/auth/me" in said
    assert "the token was not issued by this service" in said


def test_no_token_is_said_to_be_none(api: ApiClient, db: None) -> None:
    assert "the request had no token" in _why(api.get("/me"))


@pytest.mark.parametrize(
    ("username", "reason"),
    [("alice", "the password of user alice was wrong"), ("nobody", "no account has the given username or email")],
)
def test_a_failed_sign_in_says_what_was_wrong_and_not_what_was_typed(
    api: ApiClient, alice: User, username: str, reason: str
) -> None:
    said = _why(api.post("/login", {"username": username, "password": "Hunter2-Hunter2"}))

    assert "401 invalid_credentials" in said
    assert reason in said
    assert "Hunter2" not in said


def test_a_limit_is_named_with_its_size(api: ApiClient, alice: User, limits_on: Settings) -> None:
    for _ in range(6):
        reply = api.post("/login", {"username": "alice", "password": "Wrong-Horse-7"})

    said = _why(reply)

    assert "429 rate_limited on POST /api/auth/login" in said
    assert "(5 in 300 s) was exceeded; the response said to retry after" in said


def test_a_form_that_was_not_valid_names_its_fields(api: ApiClient, db: None) -> None:
    said = _why(api.post("/register", {"email": "no address", "username": "x", "password": PASSWORD}))

    assert "400 validation_error on POST /api/auth/register" in said
    assert "invalid fields: email, username." in said
    assert PASSWORD not in said


def test_what_is_not_theirs_is_told_by_template_and_not_by_path(alice: User, bob: User, sign_in: SignIn) -> None:
    said = _why(sign_in(alice).client.get(f"/sessions/{bob.id}"))

    assert "404 not_found on GET /api/auth/sessions/{pk}" in said
    assert "does not belong to user alice" in said
    assert str(bob.id) not in said


def test_a_path_that_does_not_exist_is_said_to_be_none(api: ApiClient, db: None) -> None:
    said = _why(api.get("/secret-in-the-path"))

    assert "404 not_found on GET an unknown path" in said
    assert "secret" not in said


def test_who_may_not_is_told_with_their_role(alice: User, sign_in: SignIn) -> None:
    assert "user alice, whose role is now USER, does not have permission" in _why(sign_in(alice).client.get("/users"))


def test_a_fault_of_ours_leads_to_the_log(alice: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    hers = sign_in(alice)
    hers.client.raise_request_exception = False
    monkeypatch.setattr("sessions_tracking.services.list_active", lambda **_: 1 / 0)

    reply = hers.client.get("/sessions")

    assert f"the log lines with [{reply.headers['X-Request-Id']}] have the details" in _why(reply)


def test_a_deed_that_succeeded_is_told_from_the_audit(alice: User, sign_in: SignIn) -> None:
    reply = sign_in(alice).client.post("/logout")

    assert "No rejected request has this ID. Audit events of this request: logout at" in _why(reply)


def test_a_success_is_not_noted(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)

    assert hers.client.get("/me").status_code == 200
    assert hers.client.get("/forward-auth").status_code == 200

    assert not writer._pending


def test_an_id_that_nobody_knows_is_an_error_with_a_hint(api: ApiClient, db: None) -> None:
    with pytest.raises(CommandError, match=r"There is no record of this request.*24 hours") as error:
        call_command("explain_request", "0" * 32)

    assert error.value.returncode == 1


def test_where_refusals_are_not_kept_the_hint_says_so(api: ApiClient, db: None, settings: Settings) -> None:
    settings.REJECTED_REQUEST_RETENTION = timedelta(0)

    with pytest.raises(CommandError, match="REJECTED_REQUEST_RETENTION=0"):
        _why(api.get("/me"))


def test_without_redis_the_audit_still_answers(alice: User, sign_in: SignIn) -> None:
    reply = sign_in(alice).client.post("/logout")
    breaker.record_failure()

    assert "logout at" in _why(reply)
    with pytest.raises(CommandError, match="Redis.*is unavailable"):
        call_command("explain_request", "0" * 32)


def test_a_deleted_user_is_named_by_id(alice: User, sign_in: SignIn) -> None:
    hers = sign_in(alice)
    hers.client.delete("/me", {"password": PASSWORD})

    said = _why(hers.client.get("/me"))

    assert f"of deleted user {alice.id} has ended" in said
    assert "most likely account_deleted" in said
    assert not Session.objects.exists()
    assert AuditEvent.objects.exists()
