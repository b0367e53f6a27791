"""Without a recent proof, the admin asks its user to authenticate again, and then carries out the request."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as AdminSession
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings
from time_machine import Traveller

from accounts.mfa.tests.wrong_codes import wrong_codes
from accounts.models import AuditEvent, AuditKind, User
from accounts.testing.admin_browser import admin_browser, carried_fields, is_asked, let_proof_expire
from accounts.testing.api_client import PASSWORD, SignedIn
from accounts.testing.second_factor import UserWithTotp, enrol

SignIn = Callable[..., SignedIn]
CONFIRMED = {"confirm": "yes", "reason": "Asked for it"}


@pytest.fixture
def browser(superuser: User, clock: Traveller) -> Client:
    """The browser of grace, whose login is no recent proof any more."""
    browser = admin_browser(superuser)
    let_proof_expire(clock)
    return browser


@pytest.fixture
def mfa_admin(superuser: User, sign_in: SignIn, clock: Traveller) -> UserWithTotp:
    """grace, with an authenticator app and a stopped clock."""
    return enrol(sign_in(superuser))


@pytest.fixture
def mfa_browser(mfa_admin: UserWithTotp, clock: Traveller) -> Client:
    """The browser of grace, who signed in with a code some time ago."""
    browser = Client()
    token = browser.post("/admin/login/", {"username": "grace", "password": PASSWORD}).context["form"].pending_token
    browser.post("/admin/login/", {"mfa_token": token, "code": mfa_admin.app.code()})
    assert browser.get("/admin/").status_code == 200
    let_proof_expire(clock)
    return browser


def _deactivation(user: User) -> str:
    return f"/admin/accounts/user/{user.id}/actions/deactivate/"


def _is_active(user: User) -> bool:
    return User.objects.get(id=user.id).is_active


def _prove(browser: Client, page: Any, **proof: str) -> Any:
    """Submit the page "Confirm that it's you" with its hidden fields."""
    assert is_asked(page)
    return browser.post(page.request["PATH_INFO"], carried_fields(page) | proof)


def _facts(kind: AuditKind, user: User) -> list[dict[str, Any]]:
    return [event.facts for event in AuditEvent.objects.filter(kind=kind, user_id=user.id).order_by("id")]


def test_after_the_password_the_confirmed_action_goes_on(browser: Client, alice: User) -> None:
    page = browser.post(_deactivation(alice), CONFIRMED)
    assert page.status_code == 200
    assert _is_active(alice)

    assert _prove(browser, page, proof_password=PASSWORD).status_code == 302

    alice.refresh_from_db()
    assert (alice.is_active, alice.deactivation_reason) == (False, "Asked for it")


def test_nothing_that_was_typed_into_a_form_is_lost(browser: Client, alice: User) -> None:
    path = f"/admin/accounts/user/{alice.id}/change/"
    form = {"username": "alice", "email": alice.email, "language": "fr", "is_active": "on", "role": "ADMIN"}
    page = browser.post(path, form | {"first_name": '"><b>', "user_permissions": ["1", "2"], "_continue": "Save"})
    assert User.objects.get(id=alice.id).role == "USER"
    assert '"><b>' not in page.content.decode()

    response = _prove(browser, page, proof_password=PASSWORD)

    assert (response.status_code, response["Location"]) == (302, path)
    alice.refresh_from_db()
    assert (alice.role, alice.language, alice.first_name) == ("ADMIN", "fr", '"><b>')
    assert set(alice.user_permissions.values_list("id", flat=True)) == {1, 2}


def test_a_proof_is_valid_for_ten_minutes(browser: Client, alice: User, clock: Traveller) -> None:
    _prove(browser, browser.post(_deactivation(alice), CONFIRMED), proof_password=PASSWORD)
    activation = f"/admin/accounts/user/{alice.id}/actions/activate/"

    clock.shift(timedelta(minutes=9, seconds=59))
    assert not is_asked(browser.post(activation, CONFIRMED))
    clock.shift(timedelta(seconds=1))

    assert is_asked(browser.post(_deactivation(alice), CONFIRMED))
    assert _is_active(alice)


def test_a_wrong_password_changes_nothing_and_is_audited(browser: Client, alice: User, superuser: User) -> None:
    page = browser.post(_deactivation(alice), CONFIRMED)

    for wrong in ("Wrong-Horse-7", "", "x" * 129):
        page = _prove(browser, page, proof_password=wrong)
        assert page.context["form"].errors.keys() == {"proof_password"}

    assert is_asked(browser.post(_deactivation(alice), CONFIRMED))
    assert _is_active(alice)
    assert _facts(AuditKind.REAUTHENTICATION_FAILED, superuser) == [{"method": "password", "surface": "admin"}]
    assert _prove(browser, page, proof_password=PASSWORD).status_code == 302
    assert _facts(AuditKind.REAUTHENTICATED, superuser) == [{"method": "password", "surface": "admin"}]


def test_guesses_of_the_password_are_rate_limited(browser: Client, alice: User, limits_on: Settings) -> None:
    page = browser.post(_deactivation(alice), CONFIRMED)
    for _ in range(12):
        page = _prove(browser, page, proof_password="Wrong-Horse-7")

    page = _prove(browser, page, proof_password=PASSWORD)

    assert page.status_code == 429
    assert int(page["Retry-After"]) > 0
    assert _is_active(alice)


def test_a_proof_requires_a_csrf_token_and_replaces_the_session(superuser: User, alice: User, clock: Traveller) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(superuser)
    let_proof_expire(clock)
    [before] = AdminSession.objects.values_list("session_key", flat=True)
    path, proof = f"/admin/accounts/user/{alice.id}/password/", {"proof_method": "GET", "proof_password": PASSWORD}
    page = browser.get(path)

    assert browser.post(path, proof).status_code == 403
    token = page.content.decode().split('csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert browser.post(path, proof | {"csrfmiddlewaretoken": token}).status_code == 302

    [after] = AdminSession.objects.values_list("session_key", flat=True)
    assert after != before


def test_a_form_with_a_password_asks_before_it_opens_and_then_returns_to_itself(browser: Client, alice: User) -> None:
    path = f"/admin/accounts/user/{alice.id}/password/"

    response = _prove(browser, browser.get(path), proof_password=PASSWORD, next="https://evil.example/")

    assert (response.status_code, response["Location"]) == (302, path)
    assert browser.get(path).context["form"].fields.keys() >= {"password1"}


def test_a_password_typed_for_another_user_is_neither_shown_nor_stored(browser: Client, alice: User) -> None:
    path, new = f"/admin/accounts/user/{alice.id}/password/", "Another-Horse-8"
    page = browser.post(path, {"usable_password": "true", "password1": new, "password2": new})
    assert new not in page.content.decode()
    assert new not in str([session.get_decoded() for session in AdminSession.objects.all()])

    response = _prove(browser, page, proof_password=PASSWORD)

    assert response.context["form"].errors.keys() >= {"password2"}
    assert User.objects.get(id=alice.id).check_password(PASSWORD)


def test_with_a_second_factor_the_password_alone_proves_nothing(
    mfa_browser: Client, mfa_admin: UserWithTotp, alice: User
) -> None:
    page = mfa_browser.post(_deactivation(alice), CONFIRMED)
    assert page.context["form"].fields.keys() == {"proof_code"}

    page = _prove(mfa_browser, page, proof_password=PASSWORD)
    assert is_asked(page)
    assert _is_active(alice)

    assert _prove(mfa_browser, page, proof_code=mfa_admin.app.code()).status_code == 302
    assert not _is_active(alice)


def test_a_recovery_code_proves_once_and_its_owner_is_notified(
    mfa_browser: Client,
    mfa_admin: UserWithTotp,
    alice: User,
    clock: Traveller,
    outbox: Callable[[], list[EmailMessage]],
) -> None:
    code = mfa_admin.recovery_codes[0].lower()
    _prove(mfa_browser, mfa_browser.post(_deactivation(alice), CONFIRMED), proof_code=code)
    assert not _is_active(alice)
    assert "A recovery code was used to confirm your identity" in {message.subject for message in outbox()}

    let_proof_expire(clock)
    page = mfa_browser.post(f"/admin/accounts/user/{alice.id}/actions/activate/", CONFIRMED)

    assert is_asked(_prove(mfa_browser, page, proof_code=code))
    assert not _is_active(alice)


def test_wrong_codes_are_counted_together_with_those_of_a_login(
    mfa_browser: Client, mfa_admin: UserWithTotp, alice: User
) -> None:
    page = mfa_browser.post(_deactivation(alice), CONFIRMED)
    for _ in range(10):
        page = _prove(mfa_browser, page, proof_code=mfa_admin.app.wrong_code())
        assert page.context["form"].errors == {"proof_code": ["The code is incorrect or has expired."]}

    page = _prove(mfa_browser, page, proof_code=mfa_admin.app.code())

    assert (page.status_code, int(page["Retry-After"])) == (429, 3600)
    assert wrong_codes(mfa_admin.user) == 10
    failure = {"method": "totp", "surface": "admin"}
    assert _facts(AuditKind.REAUTHENTICATION_FAILED, mfa_admin.user) == [failure] * 10
    assert _is_active(alice)


def test_text_that_cannot_be_a_code_is_not_counted(mfa_browser: Client, mfa_admin: UserWithTotp, alice: User) -> None:
    page = _prove(mfa_browser, mfa_browser.post(_deactivation(alice), CONFIRMED), proof_code="hello")

    assert page.context["form"].errors.keys() == {"proof_code"}
    assert "hello" not in page.content.decode()
    assert wrong_codes(mfa_admin.user) == 0


def test_a_second_factor_added_after_the_login_must_be_proven(
    superuser: User, alice: User, sign_in: SignIn, clock: Traveller
) -> None:
    browser = admin_browser(superuser)
    app = enrol(sign_in(superuser)).app

    page = browser.post(_deactivation(alice), CONFIRMED)
    assert page.context["form"].fields.keys() == {"proof_code"}
    assert _is_active(alice)

    assert _prove(browser, page, proof_code=app.code()).status_code == 302
    assert not _is_active(alice)


def test_a_repeated_submission_of_the_same_code_goes_on(
    mfa_browser: Client, mfa_admin: UserWithTotp, alice: User
) -> None:
    page, code = mfa_browser.post(_deactivation(alice), CONFIRMED), mfa_admin.app.code()

    statuses = [_prove(mfa_browser, page, proof_code=code).status_code for _ in range(2)]

    assert statuses == [302, 302]
    assert wrong_codes(mfa_admin.user) == 0


def test_the_page_of_the_own_password_asks_only_users_with_a_second_factor(
    mfa_browser: Client, superuser: User, mfa_admin: UserWithTotp, clock: Traveller
) -> None:
    """Without one, the current password that the page requires is the recent proof."""
    new = {"old_password": PASSWORD, "new_password1": "Another-Horse-8", "new_password2": "Another-Horse-8"}
    assert is_asked(mfa_browser.get("/admin/password_change/"))
    assert is_asked(mfa_browser.post("/admin/password_change/", new))
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)

    User.objects.update(mfa_enabled=False)
    assert mfa_browser.post("/admin/password_change/", new).status_code == 302


def test_the_maximum_age_is_a_setting(browser: Client, alice: User, settings: Settings) -> None:
    settings.REAUTHENTICATION_MAX_AGE = timedelta(minutes=30)

    assert not is_asked(browser.post(_deactivation(alice), CONFIRMED))

    assert not _is_active(alice)


def test_the_proof_of_a_session_from_before_this_feature_is_not_recent(superuser: User, alice: User) -> None:
    browser = admin_browser(superuser)
    session = browser.session
    del session["authenticated_at"]
    session.save()

    assert is_asked(browser.post(_deactivation(alice), CONFIRMED))
    assert _is_active(alice)
