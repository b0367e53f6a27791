"""`manage.py create_admin` creates or promotes an administrator, or changes nothing."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import TestCase
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, OutboxEmail, Role, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`type_in("a", "b")` types these passwords at the prompts of a terminal."""

    def type_passwords(*texts: str) -> None:
        typed = iter(texts)
        monkeypatch.setattr("sys.stdin", io.StringIO())
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))

    return type_passwords


def _run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("create_admin", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_it_creates_an_administrator_of_the_api_and_the_admin(api: ApiClient, type_in: Callable[..., None]) -> None:
    type_in(PASSWORD, PASSWORD)

    output, _ = _run("ada@example.com", "ada")

    ada = User.objects.get()
    assert output == "ada (ada@example.com) is an administrator of the API and the Django admin.\n"
    assert (ada.role, ada.is_staff, ada.is_superuser, ada.email_verified) == (Role.ADMIN, True, True, True)
    token = api.post("/login", {"identifier": "ada", "password": PASSWORD}).json()["data"]["token"]
    assert api.bearing(token).get("/users").status_code == 200
    assert not OutboxEmail.objects.exists()


def test_the_audit_records_it_without_an_actor(type_in: Callable[..., None]) -> None:
    type_in(PASSWORD, PASSWORD)

    _run("ada@example.com", "ada")

    event = AuditEvent.objects.get()
    assert (event.kind, event.user_id, event.actor_id) == (AuditKind.USER_CREATED, User.objects.get().id, None)
    assert event.facts["role"] == "ADMIN"


def test_api_only_grants_no_access_to_the_admin(type_in: Callable[..., None]) -> None:
    type_in(PASSWORD, PASSWORD)

    output, _ = _run("ada@example.com", "ada", "--api-only")

    assert "an administrator of the API." in output
    ada = User.objects.get()
    assert (ada.role, ada.is_staff, ada.is_superuser) == (Role.ADMIN, False, False)


def test_a_script_passes_the_password_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\nmore\n"))

    _run("ada@example.com", "ada", "--password-stdin")

    assert User.objects.get().check_password(PASSWORD)


def test_without_a_terminal_it_fails_instead_of_prompting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())

    with pytest.raises(CommandError, match="--password-stdin"):
        _run("ada@example.com", "ada")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ((PASSWORD, "Another-Horse-8"), "The passwords do not match"),
        (("short", "short"), "at least 8 characters"),
        (("Ada-Lovelace-1", "Ada-Lovelace-1"), "too similar to the username"),
    ],
)
def test_an_invalid_password_creates_no_user(
    typed: tuple[str, str], message: str, type_in: Callable[..., None]
) -> None:
    type_in(*typed)

    with pytest.raises(CommandError, match=message) as error:
        _run("ada@example.com", "ada-lovelace")

    assert error.value.returncode == 1
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("email", "username", "message"),
    [
        ("no address", "ada", "email: Enter a valid email address"),
        ("ada@example.com", "a b", "username: Only letters"),
        ("ada@example.com", "ad", "username: A username has 3 to 30"),
        ("ada@example.com", "root", "username: This username is reserved"),
    ],
)
def test_the_usual_rules_for_emails_and_usernames_apply(
    email: str, username: str, message: str, type_in: Callable[..., None]
) -> None:
    type_in(PASSWORD, PASSWORD)

    with pytest.raises(CommandError, match=message):
        _run(email, username)

    assert not User.objects.exists()


def test_an_existing_email_is_an_error_that_mentions_promote(alice: User, type_in: Callable[..., None]) -> None:
    type_in(PASSWORD, PASSWORD)

    with pytest.raises(CommandError, match="already exists. Use --promote"):
        _run("Alice@example.com", "another")

    alice.refresh_from_db()
    assert alice.role == Role.USER


def test_a_promotion_applies_to_the_next_request(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    session = sign_in(alice)
    assert session.client.get("/users").status_code == 403

    with TestCase.captureOnCommitCallbacks(execute=True):
        _run("alice@example.com", "--promote")

    assert session.client.get("/users").status_code == 200
    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser, alice.check_password(PASSWORD)) == (True, True, True)
    kinds = set(AuditEvent.objects.filter(user_id=alice.id, actor_id=None).values_list("kind", flat=True))
    assert {AuditKind.ROLE_CHANGED, AuditKind.USER_CHANGED} <= kinds


def test_an_api_only_promotion_keeps_existing_privileges(alice: User) -> None:
    User.objects.filter(id=alice.id).update(is_staff=True)

    _run("alice@example.com", "--promote", "--api-only")

    alice.refresh_from_db()
    assert (alice.role, alice.is_staff, alice.is_superuser) == (Role.ADMIN, True, False)


@pytest.mark.parametrize("mode", ["mandatory", "optional", "none"])
def test_an_unverified_account_is_not_promoted(api: ApiClient, settings: Settings, mode: str) -> None:
    settings.EMAIL_VERIFICATION = mode
    planted = {"email": "ada@example.com", "username": "ada", "password": PASSWORD}
    assert api.post("/register", planted).status_code == 201

    with pytest.raises(CommandError, match=r"not verified.*--trust-email"):
        _run("ada@example.com", "--promote")

    ada = User.objects.get()
    assert (ada.role, ada.is_staff, ada.is_superuser, ada.email_verified) == (Role.USER, False, False, False)
    assert not AuditEvent.objects.filter(kind=AuditKind.ROLE_CHANGED).exists()


def test_trust_email_promotes_and_verifies_the_email(bob: User) -> None:
    _run("bob@example.com", "--promote", "--trust-email")

    bob.refresh_from_db()
    assert (bob.role, bob.email_verified) == (Role.ADMIN, True)


def test_unknown_and_inactive_users_are_not_promoted(alice: User) -> None:
    User.objects.filter(id=alice.id).update(is_active=False)

    with pytest.raises(CommandError, match="not active"):
        _run("alice@example.com", "--promote")
    with pytest.raises(CommandError, match="No account has this email"):
        _run("unknown@example.com", "--promote")

    assert not User.objects.filter(role=Role.ADMIN).exists()


@pytest.mark.parametrize("arguments", [["ada@example.com"], ["ada@example.com", "ada", "--promote"]])
def test_wrong_usage_has_exit_code_two(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="Give a USERNAME") as error:
        _run(*arguments)

    assert error.value.returncode == 2


def test_a_required_second_factor_is_mentioned(settings: Settings, type_in: Callable[..., None]) -> None:
    settings.REQUIRE_ADMIN_MFA = True
    type_in(PASSWORD, PASSWORD)

    assert "two-factor authentication" in _run("ada@example.com", "ada")[1]
