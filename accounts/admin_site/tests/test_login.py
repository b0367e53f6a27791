"""The login of the admin has the password check, rate limits and second factor of the API."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import auth
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings
from time_machine import Traveller

from accounts.exceptions import TooManyWrongCodes
from accounts.mfa.models import MfaAuditKind
from accounts.mfa.tests.wrong_codes import wrong_codes
from accounts.models import AuditEvent, AuditKind, PendingLogin, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import WRONG_RECOVERY_CODE, UserWithTotp, enrol, verify

SignIn = Callable[..., SignedIn]

COOKIE = "vestibule_admin"
LOGIN = "/admin/login/?next=/admin/"


@pytest.fixture
def browser() -> Client:
    return Client()


@pytest.fixture
def non_staff(superuser: User, admin: User, alice: User) -> None:
    """grace, who is staff, and two users who are not."""


@pytest.fixture
def mfa_admin(superuser: User, sign_in: SignIn, clock: Traveller) -> UserWithTotp:
    """grace, with an authenticator app and a stopped clock."""
    return enrol(sign_in(superuser))


def _submit(browser: Client, **fields: str) -> Any:
    return browser.post(LOGIN, fields)


def _submit_password(browser: Client, username: str = "grace", password: str = PASSWORD) -> Any:
    return _submit(browser, username=username, password=password)


def _pending_token(browser: Client) -> str:
    """Return the token of the second step, from the page with the field for the code."""
    token = _submit_password(browser).context["form"].pending_token
    assert token
    return str(token)


def _is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


@pytest.mark.parametrize("identifier", ["grace", "GRACE", "grace@example.com", "Grace@Example.com"])
def test_staff_sign_in_with_their_password(browser: Client, superuser: User, identifier: str) -> None:
    response = _submit_password(browser, identifier)

    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert _is_signed_in(browser)
    event = AuditEvent.objects.get(kind=AuditKind.LOGIN)
    assert (event.user_id, event.facts) == (superuser.id, {"surface": "admin", "secondFactor": False})


@pytest.mark.parametrize(
    ("username", "password"),
    [("grace", "Wrong-Horse-7"), ("unknown", PASSWORD), ("alice", PASSWORD), ("carol", PASSWORD), ("grace", "x" * 129)],
)
def test_all_rejected_logins_show_the_same_error(
    browser: Client, non_staff: None, username: str, password: str
) -> None:
    """An administrator of the API who is not staff is rejected, too."""
    response = _submit_password(browser, username, password)

    assert response.status_code == 200
    assert COOKIE not in response.cookies
    assert not _is_signed_in(browser)
    if len(password) < 129:
        assert response.context["form"].non_field_errors() == ["Incorrect identifier or password."]


@pytest.mark.parametrize(
    ("username", "reason"), [("alice", "not_staff"), ("carol", "not_staff"), ("grace", "mfa_required")]
)
def test_the_audit_records_rejected_logins_with_the_correct_password(
    browser: Client, non_staff: None, settings: Settings, username: str, reason: str
) -> None:
    settings.REQUIRE_ADMIN_MFA = True

    _submit_password(browser, username)

    event = AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED)
    assert event.user_id == User.objects.get(username=username).id
    assert event.facts == {"reason": reason, "surface": "admin"}


@pytest.mark.parametrize(
    "fields", [{}, {"username": "grace"}, {"username": "gr\0ace", "password": PASSWORD}, {"code": "123456"}]
)
def test_an_incomplete_form_is_rejected(browser: Client, superuser: User, fields: dict[str, str]) -> None:
    assert _submit(browser, **fields).status_code == 200
    assert not _is_signed_in(browser)


def test_the_password_alone_does_not_sign_in_a_user_with_a_second_factor(
    browser: Client, mfa_admin: UserWithTotp
) -> None:
    response = _submit_password(browser)

    page = response.content.decode()
    assert response.status_code == 200
    assert 'name="code"' in page
    assert 'name="password"' not in page
    assert "Code from your authenticator app, or a recovery code" in page
    assert "errornote" not in page
    assert COOKIE not in response.cookies
    assert not _is_signed_in(browser)


def test_both_steps_have_a_csrf_token(mfa_admin: UserWithTotp) -> None:
    """Submit the forms like a browser, with CSRF checks enabled."""
    browser = Client(enforce_csrf_checks=True)

    def submit(page: Any, **fields: str) -> Any:
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode())
        return browser.post(LOGIN, dict(hidden) | fields)

    second = submit(browser.get(LOGIN), username="grace", password=PASSWORD)
    assert submit(second, code=mfa_admin.app.code()).status_code == 302

    assert _is_signed_in(browser)
    assert Client(enforce_csrf_checks=True).post(LOGIN, {"username": "grace", "password": PASSWORD}).status_code == 403


def test_a_code_from_the_app_completes_the_login(browser: Client, mfa_admin: UserWithTotp) -> None:
    response = _submit(browser, mfa_token=_pending_token(browser), code=mfa_admin.app.code())

    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert _is_signed_in(browser)
    assert AuditEvent.objects.filter(kind=AuditKind.LOGIN).latest("id").facts == {
        "surface": "admin",
        "secondFactor": True,
    }


def test_a_recovery_code_completes_the_login_and_the_owner_is_notified(
    browser: Client, mfa_admin: UserWithTotp, outbox: Callable[[], list[EmailMessage]]
) -> None:
    _submit(browser, mfa_token=_pending_token(browser), code=mfa_admin.recovery_codes[0].lower())

    assert _is_signed_in(browser)
    assert "A recovery code was used to sign in" in {message.subject for message in outbox()}


def test_wrong_codes_are_counted_together_with_those_of_the_api(browser: Client, mfa_admin: UserWithTotp) -> None:
    for token in (_pending_token(browser), _pending_token(browser)):
        for _ in range(5):
            assert not _submit(browser, mfa_token=token, code=mfa_admin.app.wrong_code()).has_header("Location")

    assert wrong_codes(mfa_admin.user) == 10
    response = verify(mfa_admin.pending(), code=mfa_admin.app.code())
    assert response.json()["code"] == TooManyWrongCodes.code
    rejected = _submit(browser, mfa_token=_pending_token(browser), code=mfa_admin.app.code())
    assert (rejected.status_code, int(rejected["Retry-After"])) == (429, 3600)
    assert not _is_signed_in(browser)


def test_after_five_wrong_codes_the_login_starts_again_with_the_password(
    browser: Client, mfa_admin: UserWithTotp
) -> None:
    token = _pending_token(browser)
    pages = [_submit(browser, mfa_token=token, code=WRONG_RECOVERY_CODE).content.decode() for _ in range(6)]

    assert all('name="code"' in page and "The code is incorrect" in page for page in pages[:5])
    assert not any(WRONG_RECOVERY_CODE in page for page in pages)
    assert 'name="password"' in pages[5]
    assert not _is_signed_in(browser)


def test_a_code_used_at_the_api_is_rejected_by_the_admin(browser: Client, mfa_admin: UserWithTotp) -> None:
    code = mfa_admin.app.code()
    assert verify(mfa_admin.pending(), code=code).status_code == 200

    _submit(browser, mfa_token=_pending_token(browser), code=code)

    assert not _is_signed_in(browser)


def test_a_pending_login_cannot_move_between_the_api_and_the_admin(browser: Client, mfa_admin: UserWithTotp) -> None:
    pending_token, api_session = _pending_token(browser), mfa_admin.pending()

    assert verify(pending_token, code=mfa_admin.app.code()).json()["code"] == "token_invalid"
    _submit(browser, mfa_token=api_session, code=mfa_admin.app.code())

    assert not _is_signed_in(browser)


def test_a_user_deactivated_between_the_steps_is_not_signed_in(browser: Client, mfa_admin: UserWithTotp) -> None:
    token = _pending_token(browser)
    User.objects.update(is_active=False)

    _submit(browser, mfa_token=token, code=mfa_admin.app.code())

    assert not _is_signed_in(browser)


def test_wrong_passwords_are_counted_together_with_those_of_the_api(
    browser: Client, superuser: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = True
    wrong = {"username": "grace", "password": "Wrong-Horse-7"}
    for _ in range(3):
        assert ApiClient().post("/login", wrong).status_code == 401
        assert _submit(browser, **wrong).status_code in {200, 429}

    response = _submit_password(browser)

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert ApiClient().post("/login", wrong | {"password": PASSWORD}).status_code == 429
    assert not _is_signed_in(browser)


def test_with_require_admin_mfa_the_password_alone_is_rejected(
    browser: Client, superuser: User, settings: Settings
) -> None:
    settings.REQUIRE_ADMIN_MFA = True

    response = _submit_password(browser)

    assert response.context["form"].non_field_errors() == ["Sign in with two-factor authentication to do this."]
    assert not _is_signed_in(browser)


def test_with_require_admin_mfa_the_session_must_have_used_a_second_factor(
    browser: Client, mfa_admin: UserWithTotp, settings: Settings
) -> None:
    settings.REQUIRE_ADMIN_MFA = True
    early = Client()
    early.force_login(mfa_admin.user)
    assert not _is_signed_in(early)

    _submit(browser, mfa_token=_pending_token(browser), code=mfa_admin.app.code())
    assert _is_signed_in(browser)

    mfa_admin.session.client.delete("/mfa/totp", {"password": PASSWORD})
    assert not _is_signed_in(browser)


def test_with_require_admin_mfa_the_admin_api_requires_a_second_factor_too(
    admin: User, sign_in: SignIn, settings: Settings, clock: Traveller
) -> None:
    before, session = sign_in(admin), enrol(sign_in(admin))
    settings.REQUIRE_ADMIN_MFA = True

    rejected = before.client.get("/users")
    assert (rejected.status_code, rejected.json()["code"]) == (403, "mfa_required")
    token = verify(session.pending(), code=session.app.code()).json()["data"]["token"]
    client = ApiClient().bearing(token)
    assert client.get("/users").status_code == 200
    assert client.get("/users").status_code == 200  # from the cache, too

    client.delete("/mfa/totp", {"password": PASSWORD})
    assert client.get("/users").json()["code"] == "mfa_required"
    assert client.get("/me").status_code == 200


def test_other_users_get_permission_denied_instead_of_mfa_required(
    alice: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.REQUIRE_ADMIN_MFA = True

    assert sign_in(alice).client.get("/users").json()["code"] == "permission_denied"


def test_djangos_authenticate_does_not_bypass_the_second_factor(mfa_admin: UserWithTotp, alice: User) -> None:
    assert auth.authenticate(username="grace", password=PASSWORD) is None
    assert auth.authenticate(username="alice", password="Wrong-Horse-7") is None
    assert auth.authenticate(username="alice", password=PASSWORD) == alice
    assert auth.authenticate(username="ALICE@example.com", password=PASSWORD) == alice
    assert not PendingLogin.objects.exists()


def test_a_new_password_and_a_deactivation_end_admin_sessions(browser: Client, superuser: User) -> None:
    other = Client()
    for tab in (browser, other):
        _submit_password(tab)
        assert _is_signed_in(tab)

    superuser.set_password("Another-Horse-8")
    superuser.save()
    assert not _is_signed_in(browser)

    _submit_password(other, password="Another-Horse-8")
    assert _is_signed_in(other)
    User.objects.update(is_active=False)
    assert not _is_signed_in(other)


def test_djangos_user_commands_work(browser: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", username="heidi", email="heidi@example.com", verbosity=0)
    assert _submit_password(browser, "heidi").status_code == 302

    monkeypatch.setattr("getpass.getpass", lambda *_args, **_kwargs: "Another-Horse-8")
    call_command("changepassword", "heidi", verbosity=0)

    assert not _is_signed_in(browser)
    assert _submit_password(Client(), "heidi", "Another-Horse-8").status_code == 302


def test_the_action_turns_two_factor_authentication_off(
    browser: Client, superuser: User, alice_with_totp: UserWithTotp
) -> None:
    _submit_password(browser)

    form = {"action": "reset-second-factor", "_selected_action": str(alice_with_totp.user.id)}
    assert browser.post("/admin/accounts/user/", form).status_code == 200  # the confirmation page
    assert User.objects.get(id=alice_with_totp.user.id).mfa_enabled
    assert browser.post("/admin/accounts/user/", form | {"confirm": "yes"}).status_code == 302

    assert not User.objects.get(id=alice_with_totp.user.id).mfa_enabled
    assert AuditEvent.objects.get(kind=MfaAuditKind.DISABLED).actor_id == superuser.id


def test_saving_a_stale_page_does_not_turn_two_factor_authentication_off(
    browser: Client, superuser: User, alice: User, sign_in: SignIn, clock: Traveller
) -> None:
    _submit_password(browser)
    stale = User.objects.get(id=alice.id)
    alice_with_totp = enrol(sign_in(alice))
    assert stale.mfa_enabled is False

    form = {"username": "alice", "email": alice.email, "language": "en", "role": "USER", "is_active": "on"}
    assert browser.post(f"/admin/accounts/user/{alice.id}/change/", form | {"first_name": "Alicia"}).status_code == 302

    changed = User.objects.get(id=alice_with_totp.user.id)
    assert (changed.first_name, changed.mfa_enabled) == ("Alicia", True)
