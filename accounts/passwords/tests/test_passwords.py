"""Password changes, through the API and elsewhere, and the sessions that they revoke."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import OutboxEmail, User
from accounts.services import passwords
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from sessions_tracking.models import RevokedReason, Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"


def _change(signed_in: SignedIn, current: Any = PASSWORD, new: Any = NEW) -> tuple[int, str, list[str]]:
    response = signed_in.client.post("/change-password", {"currentPassword": current, "newPassword": new})
    return response.status_code, response.json().get("code", ""), list(response.json().get("errors", {}))


def _has_password(user: User, password: str) -> bool:
    return User.objects.get(id=user.id).check_password(password)


def _kinds(user: User) -> list[str]:
    return list(OutboxEmail.objects.filter(user=user).order_by("id").values_list("kind", flat=True))


def test_change_password_revokes_all_sessions_but_the_current_one(
    alice: User, mallory: User, sign_in: SignIn, outbox: Outbox
) -> None:
    own, other, foreign = sign_in(alice), sign_in(alice), sign_in(mallory)

    assert _change(own) == (200, "", [])

    assert _has_password(alice, NEW)
    assert own.client.get("/me").status_code == 200
    assert ApiClient().post("/refresh", {"refreshToken": own.refresh}).status_code == 200
    assert other.client.get("/me").json()["code"] == "session_revoked"
    assert foreign.client.get("/me").status_code == 200
    assert [message.to for message in outbox()] == [["alice@example.com"]]
    assert _kinds(alice) == ["password_changed"]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (("Wrong-Horse-7", NEW), "password_incorrect", "currentPassword"), ((None, NEW), "validation_error", "currentPassword"),
        (("", NEW), "validation_error", "currentPassword"), (("x" * 129, NEW), "validation_error", "currentPassword"),
        ((PASSWORD, PASSWORD), "validation_error", "newPassword"), ((PASSWORD, "weak"), "validation_error", "newPassword"),
        ((PASSWORD, "Alice@example.com1"), "validation_error", "newPassword"),
        ((PASSWORD, None), "validation_error", "newPassword"), ((PASSWORD, NEW + "\0"), "validation_error", "newPassword"),
    ],
)  # fmt: skip
def test_a_rejected_password_change_changes_nothing(
    alice: User, sign_in: SignIn, given: tuple[Any, Any], code: str, field: str
) -> None:
    own, other = sign_in(alice), sign_in(alice)

    assert _change(own, *given) == (400, code, [field])

    assert _has_password(alice, PASSWORD)
    assert other.client.get("/me").status_code == 200
    assert not OutboxEmail.objects.filter(kind="password_changed").exists()


@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [
        ({"password": "changed concurrently"}, (400, "password_incorrect", ["currentPassword"])),
        ({"is_active": False}, (401, "session_revoked", [])),
    ],
)
def test_a_password_change_overtaken_by_another_changes_nothing(
    alice: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any], error: object
) -> None:
    signed_in, accepted = sign_in(alice), passwords.require_acceptable

    def accept_late(password: str, *, user: User, field: str) -> None:
        accepted(password, user=user, field=field)
        User.objects.filter(id=user.id).update(**meanwhile)

    monkeypatch.setattr(passwords, "require_acceptable", accept_late)

    assert _change(signed_in) == error
    assert not _has_password(alice, NEW)
    assert not OutboxEmail.objects.filter(kind="password_changed").exists()


def test_a_password_set_in_a_shell_revokes_all_sessions(
    alice: User, sign_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    signed_in = sign_in(alice)
    signed_in.client.get("/me")

    with django_capture_on_commit_callbacks(execute=True):
        user = User.objects.get()
        user.set_password(NEW)
        user.save()

    assert signed_in.client.get("/me").json()["code"] == "session_revoked"
    assert ApiClient().post("/refresh", {"refreshToken": signed_in.refresh}).json()["code"] == "session_revoked"
    assert Session.objects.get().revoked_reason == RevokedReason.PASSWORD_CHANGED


def test_saving_a_user_without_a_new_password_revokes_no_session(alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)

    user = User.objects.get()
    user.first_name = "Alice"
    user.save()

    assert signed_in.client.get("/me").status_code == 200


def test_without_composition_rules_any_eight_characters_are_accepted(
    api: ApiClient, db: None, settings: Settings
) -> None:
    settings.PASSWORD_COMPOSITION = False
    eve = {"email": "eve@example.com", "username": "eve"}

    short = api.post("/register", eve | {"password": "xkcd936"})
    long = api.post("/register", eve | {"password": "correct horse battery"})

    assert (short.status_code, list(short.json()["errors"])) == (400, ["password"])
    assert long.status_code == 201


@pytest.mark.parametrize(
    ("password", "status"), [("Vestibule1", 400), ("1VESTIBULEvestibule", 400), ("Vestibule-Key-99x", 201)]
)
def test_the_product_name_is_rejected_as_a_password(api: ApiClient, db: None, password: str, status: int) -> None:
    response = api.post("/register", {"email": "eve@example.com", "username": "eve", "password": password})

    assert response.status_code == status
    assert list(response.json().get("errors", {})) == (["password"] if status == 400 else [])
