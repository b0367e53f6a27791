"""An authenticator app and recovery codes beside another second factor: neither depends on the other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import transaction

from accounts.mfa.flows import enrolment, recovery_codes
from accounts.mfa.models import MfaAuditKind, RecoveryCode, TotpFactor
from accounts.mfa.tests import another_factor
from accounts.mfa.tests.wrong_codes import wrong_codes
from accounts.models import AuditEvent, User
from accounts.services import account_claim, login
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import WRONG_RECOVERY_CODE, AuthenticatorApp, UserWithTotp, enrol, verify
from sessions_tracking.authentication_context import authenticated_now
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]


@pytest.fixture(autouse=True)
def _another_factor() -> Iterator[None]:
    with another_factor.registered():
        yield


def _state(user: User) -> tuple[bool, int | None, int, int]:
    """Return the columns of the user, then the rows that they have to agree with."""
    columns = User.objects.values_list("mfa_enabled", "recovery_codes_left").get(id=user.id)
    apps = TotpFactor.objects.filter(user=user, confirmed_at__isnull=False).count()
    return (*columns, apps, RecoveryCode.objects.filter(user=user, used_at=None).count())


def _pending(user: User) -> dict[str, Any]:
    data: dict[str, Any] = ApiClient().post("/login", {"username": user.username, "password": PASSWORD}).json()["data"]
    return data


def _confirm_app(session: SignedIn) -> Any:
    app = AuthenticatorApp(session.client.post("/mfa/totp").json()["data"]["secret"])
    return session.client.post("/mfa/totp/confirm", {"code": app.code()})


def test_an_app_beside_another_factor_returns_no_recovery_codes(signed_in: SignedIn, outbox: Outbox) -> None:
    codes = another_factor.add(signed_in.user, session_id=signed_in.session_id)

    response = _confirm_app(signed_in)

    assert (response.status_code, response.json()["data"]) == (200, {})
    assert response.json()["message"] == "The authenticator app has been added."
    assert _state(signed_in.user) == (True, 10, 1, 10)
    assert verify(_pending(signed_in.user)["mfaToken"], recoveryCode=codes[0]).status_code == 200
    assert AuditEvent.objects.get(kind=MfaAuditKind.ENABLED).facts == {"isFirstFactor": False}
    assert outbox()[0].subject == "An authenticator app was added to your account"
    assert "just your password" not in str(outbox()[0].body)


def test_an_app_that_a_session_started_without_the_factor_is_forgotten_with_the_first_factor(
    signed_in: SignedIn, sign_in: SignIn
) -> None:
    stolen = sign_in(signed_in.user)
    app = AuthenticatorApp(stolen.client.post("/mfa/totp").json()["data"]["secret"])
    another_factor.add(signed_in.user, session_id=signed_in.session_id)

    response = stolen.client.post("/mfa/totp/confirm", {"code": app.code()})

    assert (response.status_code, response.json()["code"]) == (400, "mfa_not_enabled")
    assert Session.objects.get(id=stolen.session_id).acr == "aal1"
    assert not TotpFactor.objects.exists()


def test_the_first_factor_of_any_kind_issues_recovery_codes(signed_in: SignedIn) -> None:
    codes = another_factor.add(signed_in.user, session_id=signed_in.session_id)

    assert len(set(codes)) == 10
    assert _state(signed_in.user) == (True, 10, 0, 10)
    assert _pending(signed_in.user)["methods"] == ["another", "recovery_code"]


def test_removing_the_app_keeps_what_another_factor_needs(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    session, waiting = alice_with_totp.session, alice_with_totp.pending()
    assert another_factor.add(alice_with_totp.user, session_id=session.session_id) == []
    assert session.client.delete("/mfa/totp", {"password": PASSWORD}).status_code == 200

    assert _state(alice_with_totp.user) == (True, 10, 0, 10)
    assert Session.objects.get(id=session.session_id).acr == "aal2"
    assert verify(waiting, recoveryCode=alice_with_totp.recovery_codes[0]).status_code == 200
    assert _state(alice_with_totp.user) == (True, 9, 0, 9)
    message = next(sent for sent in outbox() if sent.subject == "Your authenticator app was removed")
    assert "recovery codes work as before" in str(message.body)


def test_removing_another_factor_keeps_app_and_codes(alice_with_totp: UserWithTotp) -> None:
    another_factor.add(alice_with_totp.user, session_id=alice_with_totp.session.session_id)

    assert not another_factor.remove(alice_with_totp.user)

    assert _state(alice_with_totp.user) == (True, 10, 1, 10)
    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).status_code == 200


@pytest.mark.parametrize("app_first", [True, False])
def test_removing_the_last_factor_deletes_the_codes_whichever_it_is(
    alice_with_totp: UserWithTotp, app_first: bool
) -> None:
    user, session = alice_with_totp.user, alice_with_totp.session
    another_factor.add(user, session_id=session.session_id)
    removals: list[Callable[[], object]] = [
        lambda: session.client.delete("/mfa/totp", {"password": PASSWORD}),
        lambda: another_factor.remove(user),
    ]

    for remove in removals if app_first else reversed(removals):
        remove()

    assert _state(user) == (False, None, 0, 0)
    assert set(Session.objects.values_list("acr", flat=True)) == {"aal1"}
    assert "token" in _pending(user)


def test_a_login_that_waited_for_a_removed_factor_does_not_accept_the_next_one(alice_with_totp: UserWithTotp) -> None:
    waiting, session_id = alice_with_totp.pending(), alice_with_totp.session.session_id
    assert alice_with_totp.session.client.delete("/mfa/totp", {"password": PASSWORD}).status_code == 200
    codes = another_factor.add(alice_with_totp.user, session_id=session_id)

    response = verify(waiting, recoveryCode=codes[0])

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert not Session.objects.exclude(id=session_id).filter(acr="aal2").exists()


def test_mfa_not_enabled_means_no_app_or_no_factor_at_all(signed_in: SignedIn) -> None:
    another_factor.add(signed_in.user, session_id=signed_in.session_id)

    removed = signed_in.client.delete("/mfa/totp", {"password": PASSWORD})
    renewed = signed_in.client.post("/mfa/recovery-codes", {"password": PASSWORD})

    assert (removed.status_code, removed.json()["code"]) == (400, "mfa_not_enabled")
    assert removed.json()["message"] == "Your account has no authenticator app. Add one first."
    assert len(renewed.json()["data"]["recoveryCodes"]) == 10


def test_the_admins_reset_leaves_another_factor_and_the_next_sign_in_issues_codes(
    alice_with_totp: UserWithTotp, superuser: User, outbox: Outbox
) -> None:
    another_factor.add(alice_with_totp.user, session_id=alice_with_totp.session.session_id)

    assert enrolment.reset_by_admin(user_id=alice_with_totp.user.id, actor_id=superuser.id)

    assert _state(alice_with_totp.user) == (True, None, 0, 0)
    assert "An administrator removed the authenticator app and the recovery codes" in str(outbox()[-1].body)
    assert not enrolment.reset_by_admin(user_id=alice_with_totp.user.id, actor_id=superuser.id)
    pending = _pending(alice_with_totp.user)
    assert pending["methods"] == ["another"]
    fresh = verify(pending["mfaToken"], anotherCode="123456").json()["data"]["recoveryCodes"]
    assert len(set(fresh) - set(alice_with_totp.recovery_codes)) == 10
    assert _state(alice_with_totp.user) == (True, 10, 0, 10)
    again = verify(_pending(alice_with_totp.user)["mfaToken"], anotherCode="123456")
    assert "recoveryCodes" not in again.json()["data"]


def test_wrong_codes_are_counted_for_a_user_without_an_app(signed_in: SignedIn) -> None:
    codes = another_factor.add(signed_in.user, session_id=signed_in.session_id)
    wrong: list[dict[str, Any]] = [{"code": "123456"}, {"recoveryCode": WRONG_RECOVERY_CODE}]
    for number in range(10):
        response = verify(_pending(signed_in.user)["mfaToken"], **wrong[number % 2])
        assert response.json()["code"] == "code_invalid"

    response = verify(_pending(signed_in.user)["mfaToken"], recoveryCode=codes[0])

    assert (response.status_code, response.json()["code"]) == (429, "too_many_attempts")
    assert _state(signed_in.user) == (True, 10, 0, 10)
    another_factor.remove(signed_in.user)
    assert wrong_codes(signed_in.user) == 0


def test_a_new_first_factor_issues_other_codes_than_the_last_one(signed_in: SignedIn) -> None:
    first = another_factor.add(signed_in.user, session_id=signed_in.session_id)
    another_factor.remove(signed_in.user)

    second = enrol(signed_in).recovery_codes

    assert not set(first) & set(second)
    assert verify(_pending(signed_in.user)["mfaToken"], recoveryCode=first[0]).json()["code"] == "code_invalid"


@pytest.mark.parametrize("has_another", [False, True])
def test_a_claim_removes_a_planted_app_and_its_codes(signed_in: SignedIn, has_another: bool) -> None:
    user = enrol(signed_in).user
    if has_another:
        another_factor.add(user, session_id=signed_in.session_id)
        AuditEvent.objects.filter(kind=another_factor.KIND).delete()  # as the effect of its capability would
    User.objects.filter(id=user.id).update(email_verified_at=None)
    user.refresh_from_db()

    with transaction.atomic():
        assert account_claim.claim_if_unproven(user)

    assert _state(user) == (False, None, 0, 0)
    assert (user.mfa_enabled, user.recovery_codes_left) == (False, None)


def test_of_two_first_sign_ins_at_once_one_shows_the_codes(signed_in: SignedIn) -> None:
    """The second one has read the user before the first one issued them."""
    another_factor.add(signed_in.user, session_id=signed_in.session_id)
    User.objects.filter(id=signed_in.user.id).update(recovery_codes_left=None)
    users = [User.objects.get(id=signed_in.user.id) for _ in range(2)]
    client = ClientInfo(ip=None, user_agent="", device="Other", browser="", os="", platform="", location="Unknown")

    shown = []
    for user in users:
        with transaction.atomic():
            context = authenticated_now("hwk", acr="aal2")
            sign_in = login.start_session(
                user=user, client=client, session_options=login.SessionOptions(), context=context
            )
            shown.append(list(sign_in.recovery_codes))

    assert [len(codes) for codes in shown] == [10, 0]
    assert recovery_codes.use(user_id=users[0].id, code=shown[0][0])


def test_used_codes_and_the_profile_agree(alice_with_totp: UserWithTotp) -> None:
    for code in alice_with_totp.recovery_codes:
        assert verify(alice_with_totp.pending(), recoveryCode=code).status_code == 200

    assert _state(alice_with_totp.user) == (True, 0, 1, 0)
    exported = alice_with_totp.session.client.get("/me/export").json()["data"]["secondFactor"]
    assert exported["recoveryCodesLeft"] == 0
    assert _pending(alice_with_totp.user)["methods"] == ["totp"]
    assert RecoveryCode.objects.exclude(used_at=None).count() == recovery_codes.COUNT
