"""Sign-in by the emailed code or link: what it starts, and that each works once and only with its own loginToken."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from time_machine import Traveller

from accounts.login_codes.tests.requests import ALICE, Emailed, Outbox, emailed, login_token, outcome, verify
from accounts.models import AuditEvent, AuditKind, OutboxEmail, User
from accounts.services.diagnostics.explain import explain
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.second_factor import UserWithTotp
from accounts.testing.second_factor import verify as verify_mfa
from core.metrics.registry import REGISTRY
from core.rejected_requests import writer
from sessions_tracking.models import Session

INVALID = (400, "code_invalid")


def _proof(sent: Emailed, by: str) -> dict[str, str]:
    return {"code": sent.code} if by == "code" else {"token": sent.token}


@pytest.mark.parametrize("by", ["code", "link"])
def test_a_code_or_a_link_signs_in(alice: User, outbox: Outbox, by: str) -> None:
    sent = emailed(outbox)

    response = verify(loginToken=sent.login_token, **_proof(sent, by))

    data = response.json()["data"]
    session = Session.objects.get()
    assert response.status_code == 200
    assert set(data) == {"user", "token", "tokens", "session"}
    assert (data["user"]["id"], data["session"]["id"]) == (str(alice.id), str(session.id))
    assert (session.amr, session.acr) == ("email", "aal1")
    assert response.cookies["jwt"].value == data["token"]
    assert ApiClient().bearing(data["token"]).get("/me").status_code == 200


def test_a_sign_in_by_code_changes_nothing_else_of_a_verified_account(alice: User, outbox: Outbox) -> None:
    sent = emailed(outbox)
    ApiClient().post("/login", {"username": "alice", "password": PASSWORD})

    assert verify(loginToken=sent.login_token, code=sent.code).status_code == 200

    after = User.objects.get()
    assert (after.password, after.username, after.email_verified_at) == (
        alice.password,
        alice.username,
        alice.email_verified_at,
    )
    assert Session.objects.filter(revoked_at=None).count() == 2
    assert not OutboxEmail.objects.filter(kind="welcome").exists()


@pytest.mark.parametrize("by", ["code", "link"])
@pytest.mark.parametrize("again", ["code", "link"])
def test_code_and_link_work_once_between_them(alice: User, outbox: Outbox, by: str, again: str) -> None:
    sent = emailed(outbox)
    verify(loginToken=sent.login_token, **_proof(sent, by))

    assert outcome(verify(loginToken=sent.login_token, **_proof(sent, again))) == INVALID
    assert Session.objects.count() == 1


@pytest.mark.parametrize("by", ["code", "link"])
def test_several_requests_have_codes_of_their_own_that_stay_valid(alice: User, outbox: Outbox, by: str) -> None:
    first, second = emailed(outbox), emailed(outbox)

    assert outcome(verify(loginToken=second.login_token, **_proof(first, by))) == INVALID
    assert outcome(verify(loginToken=first.login_token, **_proof(second, by))) == INVALID
    assert outcome(verify(loginToken=first.login_token, **_proof(first, by))) == (200, "ok")
    assert outcome(verify(loginToken=second.login_token, **_proof(second, by))) == (200, "ok")


def test_the_code_of_another_user_is_a_wrong_code(alice: User, mallory: User, outbox: Outbox) -> None:
    hers, his = emailed(outbox), emailed(outbox, "mallory@example.com")

    assert outcome(verify(loginToken=his.login_token, code=hers.code)) == INVALID
    assert outcome(verify(loginToken=his.login_token, token=hers.token)) == INVALID
    assert not Session.objects.exists()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("by", ["code", "link"])
@pytest.mark.parametrize(("minutes", "status"), [(9.9, 200), (10.1, 400)])
def test_code_and_link_expire_ten_minutes_after_sending(
    outbox: Outbox, clock: Traveller, by: str, minutes: float, status: int
) -> None:
    sent = emailed(outbox)
    clock.shift(timedelta(minutes=minutes))

    assert verify(loginToken=sent.login_token, **_proof(sent, by)).status_code == status


def _deactivate(_settings: Settings) -> None:
    User.objects.update(is_active=False)


def _switch_off_for_the_user(_settings: Settings) -> None:
    User.objects.update(login_codes=False)


def _switch_off_for_all(settings: Settings) -> None:
    settings.LOGIN_CODES = False


def _change_the_email(_settings: Settings) -> None:
    User.objects.update(email="alice@example.org", email_key="alice@example.org")


def _change_the_password(_settings: Settings) -> None:
    user = User.objects.get()
    user.set_password("Another-Horse-8")
    user.save()


def _delete_the_user(_settings: Settings) -> None:
    User.objects.all().delete()


@pytest.mark.parametrize("by", ["code", "link"])
@pytest.mark.parametrize(
    "change",
    [
        _deactivate,
        _switch_off_for_the_user,
        _switch_off_for_all,
        _change_the_email,
        _change_the_password,
        _delete_the_user,
    ],
)
def test_a_code_is_invalid_once_the_account_no_longer_allows_it(
    alice: User, outbox: Outbox, settings: Settings, change: Any, by: str
) -> None:
    sent = emailed(outbox)
    change(settings)

    assert outcome(verify(loginToken=sent.login_token, **_proof(sent, by))) == INVALID
    assert not Session.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize("token", ["", "x", "a.b", "019ac8f2d7b07c3a9d41f6e85b20c7aa-3f9d.c2lnbmF0dXJl", "\u00e9"])
def test_a_forged_login_token_is_a_wrong_code(alice: User, outbox: Outbox, token: str) -> None:
    sent = emailed(outbox)

    assert outcome(verify(loginToken=token, code=sent.code)) == INVALID
    assert outcome(verify(loginToken=sent.token, token=sent.token)) == INVALID
    assert outcome(verify(code=sent.code)) == INVALID


def test_a_login_token_is_no_other_credential(alice: User, outbox: Outbox) -> None:
    sent = emailed(outbox)

    for token in (sent.login_token, sent.token):
        assert ApiClient().bearing(token).get("/me").status_code == 401
        assert ApiClient().post("/refresh", {"refreshToken": token}).status_code == 401
        assert verify_mfa(token, code="123456").status_code == 401
        body = {"token": token, "newPassword": "Another-Horse-8"}
        assert ApiClient().post("/reset-password", body).status_code == 400
        assert ApiClient().get("/verify-email", query_params={"email": ALICE, "token": token}).status_code == 401


@pytest.mark.parametrize("body", [{}, {"code": "123456", "token": "x"}, {"code": "12345"}, {"code": 123456}])
def test_a_request_needs_exactly_one_well_formed_secret(alice: User, body: dict[str, Any]) -> None:
    response = verify(loginToken=login_token(), **body)

    assert outcome(response) == (400, "validation_error")
    assert not AuditEvent.objects.exists()


def test_the_session_has_the_requested_options(alice: User, outbox: Outbox) -> None:
    sent = emailed(outbox)
    options = {"deviceName": "Tablet", "data": {"theme": "dark"}, "lifetime": 600, "persistent": False}

    assert outcome(verify(loginToken=sent.login_token, code=sent.code, **options)) == (200, "ok")

    session = Session.objects.get()
    assert (session.name, session.data, session.persistent) == ("Tablet", {"theme": "dark"}, False)
    assert session.absolute_expires_at <= timezone.now() + timedelta(seconds=600)


@pytest.mark.parametrize("by", ["code", "link"])
def test_a_second_factor_is_still_required(alice_with_totp: UserWithTotp, outbox: Outbox, by: str) -> None:
    sent = emailed(outbox)

    response = verify(loginToken=sent.login_token, deviceName="Tablet", **_proof(sent, by))

    data = response.json()["data"]
    assert (response.status_code, data["mfaRequired"]) == (200, True)
    assert not {"jwt", "refreshToken"} & set(response.cookies)
    assert Session.objects.count() == 1
    completed = verify_mfa(data["mfaToken"], code=alice_with_totp.app.code())
    session = Session.objects.get(id=completed.json()["data"]["session"]["id"])
    assert (session.amr.split(), session.acr, session.name) == (["email", "otp", "mfa"], "aal2", "Tablet")


def test_support_sees_why_a_code_was_rejected(alice: User) -> None:
    response = verify(loginToken=login_token(), code="000000")
    writer.write()

    assert "expired or used, or belongs to another sign-in" in explain(response["X-Request-Id"])


def test_sign_ins_and_failures_are_recorded_and_counted(alice: User, outbox: Outbox) -> None:
    sent = emailed(outbox)
    results = {"result": "ok"}, {"result": "wrong_login_code"}
    before = [REGISTRY.get_sample_value("vestibule_logins_total", labels) or 0 for labels in results]
    verify(loginToken=sent.login_token, code=sent.wrong_code)
    response = verify(loginToken=sent.login_token, code=sent.code)

    after = [REGISTRY.get_sample_value("vestibule_logins_total", labels) or 0 for labels in results]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1]
    failed, signed_in = AuditEvent.objects.order_by("created_at")
    assert (failed.kind, failed.user_id, failed.facts) == (
        AuditKind.LOGIN_FAILED,
        alice.id,
        {"reason": "wrong_login_code"},
    )
    assert (signed_in.kind, signed_in.facts["amr"]) == (AuditKind.LOGIN, "email")
    client = ApiClient().bearing(response.json()["data"]["token"])
    assert [event["kind"] for event in client.get("/me/activity").json()["data"]["events"]] == ["login", "login_failed"]
