"""The door of Django's admin: the same password check, limits and second factor as the API's, and no way around them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import auth
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client, TestCase
from pytest_django import Settings
from time_machine import Traveller

from accounts.exceptions import TooManyWrongCodes
from accounts.mfa.models import TotpFactor
from accounts.models import AuditEvent, AuditKind, PendingLogin, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import WRONG_RECOVERY_CODE, WithFactor, enrol, verify

SignIn = Callable[..., SignedIn]

COOKIE = "vestibule_admin"
LOGIN = "/admin/login/?next=/admin/"


@pytest.fixture
def browser() -> Client:
    return Client()


@pytest.fixture
def people(superuser: User, admin: User, alice: User) -> None:
    """grace, who is staff, and two who are not."""


@pytest.fixture
def guarded(superuser: User, sign_in: SignIn, clock: Traveller) -> WithFactor:
    """grace, with an authenticator app. The clock stands still."""
    return enrol(sign_in(superuser))


def _give(browser: Client, **fields: str) -> Any:
    return browser.post(LOGIN, fields)


def _password(browser: Client, username: str = "grace", password: str = PASSWORD) -> Any:
    return _give(browser, username=username, password=password)


def _pending(browser: Client) -> str:
    """The token of the second step, from the page that asks for the code."""
    token = _password(browser).context["form"].pending_token
    assert token
    return str(token)


def _is_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


@pytest.mark.parametrize("identifier", ["grace", "GRACE", "grace@example.com", "Grace@Example.com"])
def test_the_password_opens_the_admin_to_its_staff(browser: Client, superuser: User, identifier: str) -> None:
    reply = _password(browser, identifier)

    assert (reply.status_code, reply["Location"]) == (302, "/admin/")
    assert _is_in(browser)
    event = AuditEvent.objects.get(kind=AuditKind.LOGIN)
    assert (event.user_id, event.facts) == (superuser.id, {"surface": "admin", "secondFactor": False})


@pytest.mark.parametrize(
    ("username", "password"),
    [("grace", "Wrong-Horse-7"), ("nobody", PASSWORD), ("alice", PASSWORD), ("carol", PASSWORD), ("grace", "x" * 129)],
)
def test_whoever_has_no_business_there_is_told_the_same(
    browser: Client, people: None, username: str, password: str
) -> None:
    """Not even an administrator of the API gets in who is no staff."""
    reply = _password(browser, username, password)

    assert reply.status_code == 200
    assert COOKIE not in reply.cookies
    assert not _is_in(browser)
    if len(password) < 129:
        assert reply.context["form"].non_field_errors() == ["Incorrect identifier or password."]


@pytest.mark.parametrize(
    ("username", "reason"), [("alice", "not_staff"), ("carol", "not_staff"), ("grace", "mfa_required")]
)
def test_who_is_refused_with_the_right_password_is_in_the_audit(
    browser: Client, people: None, settings: Settings, username: str, reason: str
) -> None:
    settings.REQUIRE_ADMIN_MFA = True

    _password(browser, username)

    event = AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED)
    assert event.user_id == User.objects.get(username=username).id
    assert event.facts == {"reason": reason, "surface": "admin"}


@pytest.mark.parametrize(
    "fields", [{}, {"username": "grace"}, {"username": "gr\0ace", "password": PASSWORD}, {"code": "123456"}]
)
def test_half_a_form_is_refused(browser: Client, superuser: User, fields: dict[str, str]) -> None:
    assert _give(browser, **fields).status_code == 200
    assert not _is_in(browser)


def test_a_second_factor_is_asked_for_and_until_then_nobody_is_in(browser: Client, guarded: WithFactor) -> None:
    reply = _password(browser)

    page = reply.content.decode()
    assert reply.status_code == 200
    assert 'name="code"' in page
    assert 'name="password"' not in page
    assert "Code from your authenticator app, or a recovery code" in page
    assert "errornote" not in page
    assert COOKIE not in reply.cookies
    assert not _is_in(browser)


def test_both_steps_are_forms_that_carry_their_own_proof(guarded: WithFactor) -> None:
    """As a browser goes through them, with the check of Django's CSRF middleware on."""
    browser = Client(enforce_csrf_checks=True)

    def submit(page: Any, **fields: str) -> Any:
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode())
        return browser.post(LOGIN, dict(hidden) | fields)

    second = submit(browser.get(LOGIN), username="grace", password=PASSWORD)
    assert submit(second, code=guarded.app.code()).status_code == 302

    assert _is_in(browser)
    assert Client(enforce_csrf_checks=True).post(LOGIN, {"username": "grace", "password": PASSWORD}).status_code == 403


def test_the_code_of_the_app_lets_in(browser: Client, guarded: WithFactor) -> None:
    reply = _give(browser, mfa_token=_pending(browser), code=guarded.app.code())

    assert (reply.status_code, reply["Location"]) == (302, "/admin/")
    assert _is_in(browser)
    assert AuditEvent.objects.filter(kind=AuditKind.LOGIN).latest("id").facts == {
        "surface": "admin",
        "secondFactor": True,
    }


def test_a_recovery_code_lets_in_and_the_owner_is_told(
    browser: Client, guarded: WithFactor, outbox: Callable[[], list[EmailMessage]]
) -> None:
    _give(browser, mfa_token=_pending(browser), code=guarded.recovery_codes[0].lower())

    assert _is_in(browser)
    assert "A recovery code was used to sign in" in {message.subject for message in outbox()}


def test_a_wrong_code_is_counted_with_those_of_the_api(browser: Client, guarded: WithFactor) -> None:
    for token in (_pending(browser), _pending(browser)):
        for _ in range(5):
            assert not _give(browser, mfa_token=token, code=guarded.app.wrong_code()).has_header("Location")

    assert TotpFactor.objects.get().wrong_codes == 10
    reply = verify(guarded.pending(), code=guarded.app.code())
    assert reply.json()["code"] == TooManyWrongCodes.code
    refused = _give(browser, mfa_token=_pending(browser), code=guarded.app.code())
    assert (refused.status_code, int(refused["Retry-After"])) == (429, 3600)
    assert not _is_in(browser)


def test_after_a_wrong_code_the_page_asks_again_and_after_the_fifth_for_the_password(
    browser: Client, guarded: WithFactor
) -> None:
    token = _pending(browser)
    pages = [_give(browser, mfa_token=token, code=WRONG_RECOVERY_CODE).content.decode() for _ in range(6)]

    assert all('name="code"' in page and "The code is wrong" in page for page in pages[:5])
    assert not any(WRONG_RECOVERY_CODE in page for page in pages)
    assert 'name="password"' in pages[5]
    assert not _is_in(browser)


def test_a_code_is_taken_once_at_whichever_door(browser: Client, guarded: WithFactor) -> None:
    code = guarded.app.code()
    assert verify(guarded.pending(), code=code).status_code == 200

    _give(browser, mfa_token=_pending(browser), code=code)

    assert not _is_in(browser)


def test_a_sign_in_ends_at_the_door_where_it_began(browser: Client, guarded: WithFactor) -> None:
    here, at_the_api = _pending(browser), guarded.pending()

    assert verify(here, code=guarded.app.code()).json()["code"] == "token_invalid"
    _give(browser, mfa_token=at_the_api, code=guarded.app.code())

    assert not _is_in(browser)


def test_who_lost_the_rights_between_the_steps_is_not_let_in(browser: Client, guarded: WithFactor) -> None:
    token = _pending(browser)
    User.objects.update(is_active=False)

    _give(browser, mfa_token=token, code=guarded.app.code())

    assert not _is_in(browser)


def test_wrong_passwords_are_limited_together_with_those_of_the_api(
    browser: Client, superuser: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = True
    wrong = {"username": "grace", "password": "Wrong-Horse-7"}
    for _ in range(3):
        assert ApiClient().post("/login", wrong).status_code == 401
        assert _give(browser, **wrong).status_code in {200, 429}

    reply = _password(browser)

    assert reply.status_code == 429
    assert int(reply["Retry-After"]) > 0
    assert ApiClient().post("/login", wrong | {"password": PASSWORD}).status_code == 429
    assert not _is_in(browser)


def test_where_administrators_must_have_one_a_password_is_not_enough(
    browser: Client, superuser: User, settings: Settings
) -> None:
    settings.REQUIRE_ADMIN_MFA = True

    reply = _password(browser)

    assert reply.context["form"].non_field_errors() == ["Sign in with two-factor authentication to do this."]
    assert not _is_in(browser)


def test_where_administrators_must_have_one_it_is_the_session_that_counts(
    browser: Client, guarded: WithFactor, settings: Settings
) -> None:
    settings.REQUIRE_ADMIN_MFA = True
    early = Client()
    early.force_login(guarded.user)
    assert not _is_in(early)

    _give(browser, mfa_token=_pending(browser), code=guarded.app.code())
    assert _is_in(browser)

    guarded.session.client.delete("/mfa/totp", {"password": PASSWORD})
    assert not _is_in(browser)


def test_the_api_of_administrators_asks_for_it_too(
    admin: User, sign_in: SignIn, settings: Settings, clock: Traveller
) -> None:
    before = sign_in(admin)
    hers = enrol(before)
    settings.REQUIRE_ADMIN_MFA = True

    refused = before.client.get("/users")
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")
    token = verify(hers.pending(), code=hers.app.code()).json()["data"]["token"]
    client = ApiClient().bearing(token)
    assert client.get("/users").status_code == 200
    assert client.get("/users").status_code == 200  # from what Redis remembers, too

    client.delete("/mfa/totp", {"password": PASSWORD})
    assert client.get("/users").json()["code"] == "mfa_required"
    assert client.get("/me").status_code == 200


def test_who_is_no_administrator_is_not_told_of_a_second_factor(
    alice: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.REQUIRE_ADMIN_MFA = True

    assert sign_in(alice).client.get("/users").json()["code"] == "permission_denied"


def test_djangos_own_authenticate_is_no_way_around(guarded: WithFactor, alice: User) -> None:
    assert auth.authenticate(username="grace", password=PASSWORD) is None
    assert auth.authenticate(username="alice", password="Wrong-Horse-7") is None
    assert auth.authenticate(username="alice", password=PASSWORD) == alice
    assert auth.authenticate(username="ALICE@example.com", password=PASSWORD) == alice
    assert not PendingLogin.objects.exists()


def test_a_new_password_and_a_deactivation_end_the_session_of_the_admin(browser: Client, superuser: User) -> None:
    other = Client()
    for each in (browser, other):
        _password(each)
        assert _is_in(each)

    superuser.set_password("Another-Horse-8")
    superuser.save()
    assert not _is_in(browser)

    _password(other, password="Another-Horse-8")
    assert _is_in(other)
    User.objects.update(is_active=False)
    assert not _is_in(other)


def test_the_commands_of_django_still_work(browser: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", username="heidi", email="heidi@example.com", verbosity=0)
    assert _password(browser, "heidi").status_code == 302

    monkeypatch.setattr("getpass.getpass", lambda *_args, **_kwargs: "Another-Horse-8")
    call_command("changepassword", "heidi", verbosity=0)

    assert not _is_in(browser)
    assert _password(Client(), "heidi", "Another-Horse-8").status_code == 302


def test_the_action_removes_a_second_factor(browser: Client, superuser: User, her: WithFactor) -> None:
    _password(browser)

    form = {"action": "reset-second-factor", "_selected_action": str(her.user.id)}
    assert browser.post("/admin/accounts/user/", form).status_code == 200  # it asks first
    assert User.objects.get(id=her.user.id).mfa_enabled
    assert browser.post("/admin/accounts/user/", form | {"confirm": "yes"}).status_code == 302

    assert not User.objects.get(id=her.user.id).mfa_enabled
    assert AuditEvent.objects.get(kind=AuditKind.MFA_DISABLED).actor_id == superuser.id


def test_a_page_saved_late_does_not_switch_a_second_factor_off(
    browser: Client, superuser: User, alice: User, sign_in: SignIn, clock: Traveller
) -> None:
    _password(browser)
    stale = User.objects.get(id=alice.id)
    her = enrol(sign_in(alice))
    assert stale.mfa_enabled is False

    form = {"username": "alice", "email": alice.email, "language": "en", "role": "USER", "is_active": "on"}
    assert browser.post(f"/admin/accounts/user/{alice.id}/change/", form | {"first_name": "Alicia"}).status_code == 302

    changed = User.objects.get(id=her.user.id)
    assert (changed.first_name, changed.mfa_enabled) == ("Alicia", True)


def _change_own(browser: Client, old: str = PASSWORD, new: str = "Another-Horse-8", again: str | None = None) -> Any:
    form = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return browser.post("/admin/password_change/", form)


def test_their_own_password_changes_here_as_it_does_at_the_api(
    browser: Client, superuser: User, sign_in: SignIn, outbox: Callable[[], list[EmailMessage]]
) -> None:
    at_the_api, other = sign_in(superuser), Client()
    for each in (browser, other):
        _password(each)
    ApiClient().post("/forgot-password", {"email": superuser.email})

    with TestCase.captureOnCommitCallbacks(execute=True):
        reply = _change_own(browser)

    assert (reply.status_code, reply["Location"]) == (302, "/admin/password_change/done/")
    assert _is_in(browser)
    assert not _is_in(other)
    assert at_the_api.client.get("/me").json()["code"] == "session_revoked"
    assert _password(Client(), password="Another-Horse-8").status_code == 302
    assert [message.subject for message in outbox()] == ["Your password was changed"]
    event = AuditEvent.objects.get(kind=AuditKind.PASSWORD_CHANGED)
    assert (event.user_id, event.actor_id, event.facts) == (superuser.id, superuser.id, {"sessionsEnded": 1})


@pytest.mark.parametrize(
    ("fields", "faulty"),
    [
        ({"old": "Wrong-Horse-7"}, "old_password"),
        ({"new": PASSWORD}, "new_password2"),
        ({"new": "short"}, "new_password2"),
        ({"again": "Another-Horse-9"}, "new_password2"),
        ({"new": "Aa1" + "x" * 126}, "new_password1"),
    ],
)
def test_the_rules_of_the_api_are_errors_of_the_form(
    browser: Client, superuser: User, fields: dict[str, str], faulty: str
) -> None:
    _password(browser)

    reply = _change_own(browser, **fields)

    assert reply.status_code == 200
    assert faulty in reply.context["form"].errors
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)
    assert not AuditEvent.objects.filter(kind=AuditKind.PASSWORD_CHANGED).exists()


def test_the_old_password_cannot_be_guessed_here(browser: Client, superuser: User, limits_on: Settings) -> None:
    _password(browser)
    replies = [_change_own(browser, old="Wrong-Horse-7") for _ in range(12)]

    reply = _change_own(browser)

    assert [replies[0].status_code, reply.status_code] == [200, 429]
    assert int(reply["Retry-After"]) > 0
    assert reply.context["form"].errors == {"old_password": ["Too many requests. Try again later."]}
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)
