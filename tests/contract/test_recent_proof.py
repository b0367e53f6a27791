"""Sensitive operations require a recent proof: the walk reads them from the OpenAPI document and sends a request to each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.models import User
from accounts.testing.api_client import PASSWORD, SignedIn
from accounts.testing.authentication_context import age_authentication, raise_to_aal2, set_context
from accounts.testing.second_factor import enrol
from core.openapi.tests.openapi_reader import JSON, Documented, operations
from core.openapi.views import document

SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"
NEW_USER = {"email": "eve@example.com", "username": "eve", "role": "ADMIN"}
CREDENTIAL = {"id": "AQID", "rawId": "AQID", "type": "public-key", "response": {}}


@dataclass(frozen=True)
class Sensitive:
    """A request to a sensitive operation, by an administrator, that lacks nothing but perhaps the proof.

    `password` is the field of the caller's password. `{id}` is another user, `{own}` the caller.
    """

    operation: str
    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    password: str = ""


SENSITIVE = [
    Sensitive("startTotp", "POST", "/mfa/totp"),
    Sensitive("disableTotp", "DELETE", "/mfa/totp", password="password"),
    Sensitive("renewRecoveryCodes", "POST", "/mfa/recovery-codes", password="password"),
    Sensitive("registrationOptions", "POST", "/passkeys/registration/options"),
    Sensitive("addPasskey", "POST", "/passkeys", {"credential": CREDENTIAL}),
    Sensitive("removePasskey", "DELETE", "/passkeys/01981c63-1f5e-7a90-b1c2-93d4e5f60718"),
    Sensitive("updateMe", "PATCH", "/me", {"loginCodes": False, "firstName": "Caroline"}),
    Sensitive("updateProfile", "PATCH", "/profile", {"loginCodes": False}),
    Sensitive("export", "GET", "/me/export"),
    Sensitive("deleteMe", "DELETE", "/me", password="password"),
    Sensitive("deleteProfile", "DELETE", "/profile", password="password"),
    Sensitive("changePassword", "POST", "/change-password", {"newPassword": NEW}, "currentPassword"),
    Sensitive("changeEmail", "POST", "/change-email", {"newEmail": "carol@example.org"}, "password"),
    Sensitive("updateUser", "PATCH", "/users/{own}", {"email": "carol@example.org"}, "currentPassword"),
    Sensitive("updateUser", "PATCH", "/users/{own}", {"emailVerified": False}, "currentPassword"),
    Sensitive("updateUser", "PATCH", "/users/{own}", {"password": NEW}, "currentPassword"),
    Sensitive("updateUser", "PATCH", "/users/{id}", {"email": "alice@example.org"}),
    Sensitive("updateUser", "PATCH", "/users/{id}", {"emailVerified": False}),
    Sensitive("updateUser", "PATCH", "/users/{id}", {"password": NEW}),
    Sensitive("updateUser", "PATCH", "/users/{id}", {"role": "ADMIN"}),
    Sensitive("createUser", "POST", "/users", NEW_USER),
    Sensitive("deleteUser", "DELETE", "/users/{id}"),
]
NEEDS_A_FACTOR = {"disableTotp", "renewRecoveryCodes"}
HARMLESS = [
    ("PATCH", "/me", {"firstName": "Caroline", "username": "caroline", "language": "fr"}),
    ("PATCH", "/users/{own}", {"email": "carol@example.com", "firstName": "Caroline"}),
    ("PATCH", "/users/{id}", {"firstName": "Alicia", "isActive": False}),
    ("POST", "/users", {"email": "eve@example.com", "username": "eve"}),
    ("POST", "/users/{id}/revoke-sessions", {}),
    ("GET", "/users/{id}", {}),
    ("GET", "/me", {}),
]


def _each(cases: list[Sensitive]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sensitive", cases, ids=lambda case: f"{case.method} {case.path} {[*case.body]}")


by_request = _each(SENSITIVE)
without_factor = [case for case in SENSITIVE if case.operation not in NEEDS_A_FACTOR]


def _is_guarded(operation: Documented) -> bool:
    codes = [body["schema"] for status, body in operation.contents() if status == "401"]
    return any("reauthentication_required" in str(schema) for schema in codes)


def _state() -> dict[str, list[Any]]:
    models = [model for model in apps.get_models() if model._meta.app_label not in {"sessions", "sessions_tracking"}]
    return {model._meta.label: list(model._default_manager.order_by("pk").values_list()) for model in models}


def _send(signed_in: SignedIn, case: Sensitive, other: User, **given: Any) -> Any:
    path = case.path.format(id=other.id, own=signed_in.user.id)
    password = {case.password: PASSWORD} if case.password and signed_in.user.has_usable_password() else {}
    return getattr(signed_in.client, case.method.lower())(path, case.body | password | given or None)


def _refuse(response: Any, *, acr: bool) -> None:
    values = ', acr_values="aal2"' if acr else ""
    challenge = f'Bearer error="insufficient_user_authentication", max_age="600"{values}'
    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
    assert response.headers["WWW-Authenticate"] == challenge


def _without_password(signed_in: SignedIn) -> SignedIn:
    User.objects.filter(id=signed_in.user.id).update(password="!no password")
    signed_in.user.refresh_from_db()
    return signed_in


@pytest.fixture
def carol(admin: User, superuser: User, sign_in: SignIn) -> SignedIn:
    """An administrator with a password and no second factor, and not the last one."""
    return sign_in(admin)


@pytest.fixture
def carol_with_totp(carol: SignedIn) -> SignedIn:
    return enrol(carol).session


def test_the_sensitive_operations_of_the_document_are_those_of_the_walk() -> None:
    guarded = {operation.spec["operationId"] for operation in operations() if _is_guarded(operation)}

    # The proxy that calls forward-auth decides whether it requires a proof, by `acr` and `max_age`.
    assert guarded - {"forwardAuth"} == {case.operation for case in SENSITIVE}


def test_each_operation_that_takes_the_password_of_a_signed_in_user_is_sensitive() -> None:
    taking = {
        operation.spec["operationId"]
        for operation in operations()
        if operation.is_protected and "requestBody" in operation.spec and _takes_password(operation)
    }

    assert taking - {case.operation for case in SENSITIVE} == {"reauthenticate"}


def _takes_password(operation: Documented) -> bool:
    name = operation.spec["requestBody"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
    return bool({"password", "currentPassword"} & document()["components"]["schemas"][name]["properties"].keys())


@by_request
@pytest.mark.parametrize("has_password", [True, False])
def test_an_old_proof_of_the_second_factor_is_refused(
    carol_with_totp: SignedIn, alice: User, sensitive: Sensitive, has_password: bool
) -> None:
    age_authentication(carol_with_totp)
    if not has_password:
        _without_password(carol_with_totp)
    before = _state()

    _refuse(_send(carol_with_totp, sensitive, alice), acr=True)

    assert _state() == before


@by_request
def test_a_password_and_a_fresh_sign_in_without_the_second_factor_are_refused(
    carol_with_totp: SignedIn, alice: User, sensitive: Sensitive
) -> None:
    """Such a session began before the factor was added."""
    set_context(carol_with_totp, acr="aal1", amr="pwd")
    before = _state()

    _refuse(_send(carol_with_totp, sensitive, alice), acr=True)

    assert _state() == before


@_each(without_factor)
def test_an_old_session_of_a_user_without_password_or_factor_is_refused(
    carol: SignedIn, alice: User, sensitive: Sensitive
) -> None:
    age_authentication(_without_password(carol))
    before = _state()

    _refuse(_send(carol, sensitive, alice), acr=False)

    assert _state() == before


@by_request
@pytest.mark.parametrize("has_password", [True, False])
@pytest.mark.parametrize("has_factor", [True, False])
def test_a_recent_proof_is_accepted(
    carol: SignedIn, alice: User, sensitive: Sensitive, has_password: bool, has_factor: bool
) -> None:
    if has_factor:
        enrol(carol)
    if not has_password:
        _without_password(carol)

    response = _send(carol, sensitive, alice)

    if (sensitive.operation in NEEDS_A_FACTOR and not has_factor) or (
        sensitive.operation == "startTotp" and has_factor
    ):
        assert response.json()["code"] in {"no_authenticator_app", "mfa_not_enabled", "mfa_already_enabled"}
    elif sensitive.operation in {"addPasskey", "removePasskey"}:
        assert response.json()["code"] in {"passkey_invalid", "not_found"}
    else:
        assert response.status_code in {200, 201}, response.content


@_each([case for case in without_factor if case.password])
def test_without_a_second_factor_the_password_is_the_recent_proof(
    carol: SignedIn, alice: User, sensitive: Sensitive
) -> None:
    age_authentication(carol)
    before = _state()

    missing = getattr(carol.client, sensitive.method.lower())(
        sensitive.path.format(id=alice.id, own=carol.user.id), sensitive.body
    )
    wrong = _send(carol, sensitive, alice, **{sensitive.password: "Wrong-Horse-7"})

    assert (missing.status_code, missing.json()["code"]) == (400, "validation_error")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "password_incorrect")
    assert list(missing.json()["errors"]) == list(wrong.json()["errors"]) == [sensitive.password]
    assert _state() == before
    assert _send(carol, sensitive, alice).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), HARMLESS)
def test_other_requests_need_no_recent_proof(
    carol: SignedIn, alice: User, method: str, path: str, body: dict[str, Any]
) -> None:
    age_authentication(carol, by=timedelta(days=3))

    response = getattr(carol.client, method.lower())(path.format(id=alice.id, own=carol.user.id), body or None)

    assert response.status_code in {200, 201}, response.content


@pytest.mark.parametrize(("age", "is_recent"), [(600, True), (601, False)])
def test_a_proof_is_recent_for_exactly_the_maximum_age(carol: SignedIn, clock: Any, age: int, is_recent: bool) -> None:
    set_context(carol, authenticated_at=timezone.now() - timedelta(seconds=age))

    assert carol.client.get("/me/export").status_code == (200 if is_recent else 401)


def test_a_session_that_the_migration_has_not_reached_is_no_recent_proof(carol: SignedIn) -> None:
    """It has the values of the migration: authenticated in 1970."""
    set_context(carol, amr="pwd", acr="aal1", authenticated_at=datetime.fromtimestamp(0, UTC))

    _refuse(carol.client.get("/me/export"), acr=False)
    assert carol.client.get("/me").status_code == 200


def test_the_proof_counts_for_its_own_session_only(carol: SignedIn, sign_in: SignIn) -> None:
    other = sign_in(carol.user)
    raise_to_aal2(other)
    age_authentication(carol)

    _refuse(carol.client.get("/me/export"), acr=False)
    assert other.client.get("/me/export").status_code == 200
