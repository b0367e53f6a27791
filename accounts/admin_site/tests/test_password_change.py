"""The password change of the admin has the rules, effects and rate limits of the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client, TestCase
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

SignIn = Callable[..., SignedIn]


@pytest.fixture
def browser() -> Client:
    return Client()


def _submit_password(browser: Client, password: str = PASSWORD) -> Any:
    return browser.post("/admin/login/?next=/admin/", {"username": "grace", "password": password})


def _is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def _change_own(browser: Client, old: str = PASSWORD, new: str = "Another-Horse-8", again: str | None = None) -> Any:
    form = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return browser.post("/admin/password_change/", form)


def test_the_own_password_is_changed_as_through_the_api(
    browser: Client, superuser: User, sign_in: SignIn, outbox: Callable[[], list[EmailMessage]]
) -> None:
    api_session, other = sign_in(superuser), Client()
    for tab in (browser, other):
        _submit_password(tab)
    ApiClient().post("/forgot-password", {"email": superuser.email})

    with TestCase.captureOnCommitCallbacks(execute=True):
        response = _change_own(browser)

    assert (response.status_code, response["Location"]) == (302, "/admin/password_change/done/")
    assert _is_signed_in(browser)
    assert not _is_signed_in(other)
    assert api_session.client.get("/me").json()["code"] == "session_revoked"
    assert _submit_password(Client(), password="Another-Horse-8").status_code == 302
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
def test_the_password_rules_are_errors_of_the_form(
    browser: Client, superuser: User, fields: dict[str, str], faulty: str
) -> None:
    _submit_password(browser)

    response = _change_own(browser, **fields)

    assert response.status_code == 200
    assert faulty in response.context["form"].errors
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)
    assert not AuditEvent.objects.filter(kind=AuditKind.PASSWORD_CHANGED).exists()


def test_guesses_of_the_current_password_are_rate_limited(
    browser: Client, superuser: User, limits_on: Settings
) -> None:
    _submit_password(browser)
    responses = [_change_own(browser, old="Wrong-Horse-7") for _ in range(12)]

    response = _change_own(browser)

    assert [responses[0].status_code, response.status_code] == [200, 429]
    assert int(response["Retry-After"]) > 0
    assert response.context["form"].errors == {"old_password": ["Too many requests. Try again later."]}
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)
