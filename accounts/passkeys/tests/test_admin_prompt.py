"""The admin accepts a passkey as the second factor: at its login, and on its page "Confirm that it's you"."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import Traveller

from accounts.models import AuditEvent, AuditKind, User
from accounts.passkeys.testing.authenticator import SoftwareAuthenticator
from accounts.passkeys.testing.passkey_client import new_authenticator, sign_up_options
from accounts.testing.admin_browser import admin_browser, carried_fields, is_asked, let_proof_expire
from accounts.testing.api_client import PASSWORD, ApiClient

HEIDI = {"email": "heidi@example.com", "username": "heidi"}


@pytest.fixture
def authenticator() -> SoftwareAuthenticator:
    return new_authenticator()


@pytest.fixture
def heidi(db: None, authenticator: SoftwareAuthenticator) -> User:
    """A superuser with a password and a passkey, and without an authenticator app."""
    credential = authenticator.create(sign_up_options(**HEIDI))
    response = ApiClient().post("/register", HEIDI | {"credential": credential})
    assert response.status_code == 201, response.content
    user = User.objects.get(username="heidi")
    user.is_staff = user.is_superuser = True
    user.role, user.email_verified_at = "ADMIN", timezone.now()
    user.set_password(PASSWORD)
    user.save()
    return user


def _second_step(browser: Client) -> Any:
    return browser.post("/admin/login/", {"username": "heidi", "password": PASSWORD})


def _options(page: Any) -> dict[str, Any]:
    """Return the options that the page gives to its script."""
    [prompt] = page.context["form"].prompts()
    assert prompt.template in {template.name for template in page.templates}
    options: dict[str, Any] = json.loads(prompt.options)
    return options


def _submit(browser: Client, page: Any, credential: Any) -> Any:
    token = page.context["form"].pending_token
    return browser.post("/admin/login/", {"mfa_token": token, "code": json.dumps(credential)})


def _is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def test_a_passkey_completes_the_login_of_the_admin(heidi: User, authenticator: SoftwareAuthenticator) -> None:
    browser = Client()
    page = _second_step(browser)

    assert _submit(browser, page, authenticator.get(_options(page))).status_code == 302

    assert _is_signed_in(browser)
    facts = AuditEvent.objects.filter(kind=AuditKind.LOGIN, user_id=heidi.id).latest("id").facts
    assert facts == {"surface": "admin", "secondFactor": True}
    assert not is_asked(browser.get(f"/admin/accounts/user/{heidi.id}/password/"))


@pytest.mark.parametrize("credential", [{}, {"rawId": 7}, {"id": "x", "rawId": "x", "response": None}])
def test_a_malformed_passkey_is_rejected_and_the_second_step_goes_on(heidi: User, credential: dict[str, Any]) -> None:
    browser = Client()
    page = _submit(browser, _second_step(browser), credential)

    assert page.status_code == 200
    assert page.context["form"].pending_token
    assert not _is_signed_in(browser)


@pytest.mark.parametrize("text", ["[" * 8000, '"x"', "7", "null", "{", "{}" * 5000])
def test_text_that_is_no_credential_is_an_error_of_the_form(heidi: User, text: str) -> None:
    browser = Client()
    token = _second_step(browser).context["form"].pending_token

    page = browser.post("/admin/login/", {"mfa_token": token, "code": text})

    assert page.status_code == 200
    assert page.context["form"].errors
    assert not _is_signed_in(browser)


def test_a_passkey_for_the_challenge_of_another_login_is_rejected(
    heidi: User, authenticator: SoftwareAuthenticator
) -> None:
    browser, other = Client(), Client()
    credential = authenticator.get(_options(_second_step(other)))

    page = _submit(browser, _second_step(browser), credential)

    assert page.context["form"].api_error.code == "passkey_invalid"
    assert not _is_signed_in(browser)


def test_a_passkey_confirms_the_identity_once(
    heidi: User, authenticator: SoftwareAuthenticator, clock: Traveller
) -> None:
    browser = Client()
    page = _second_step(browser)
    _submit(browser, page, authenticator.get(_options(page)))
    path = f"/admin/accounts/user/{heidi.id}/actions/revoke-sessions/"
    let_proof_expire(clock)
    page = browser.post(path, {"confirm": "yes"})
    proof = {"proof_code": json.dumps(authenticator.get(_options(page)))}

    assert browser.post(path, carried_fields(page) | proof).status_code == 302

    again = _second_step(browser)  # the action ended the session
    _submit(browser, again, authenticator.get(_options(again)))
    let_proof_expire(clock)
    assert is_asked(browser.post(path, carried_fields(page) | proof))


def test_users_without_a_passkey_see_no_prompt(superuser: User, clock: Traveller) -> None:
    browser = admin_browser(superuser)
    let_proof_expire(clock)

    page = browser.post("/admin/auth/group/add/", {"name": "clerks"})

    assert is_asked(page)
    assert page.context["form"].prompts() == []
