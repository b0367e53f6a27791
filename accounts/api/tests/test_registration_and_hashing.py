"""Registration: accepted and rejected input, and the stored password hash."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from pytest_django import Settings

from accounts.models import OutboxEmail, Role, User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in, token_in

Outbox = Callable[[], list[EmailMessage]]

pytestmark = pytest.mark.django_db


def _form(**changes: Any) -> dict[str, Any]:
    return {"email": "eve@example.com", "username": "eve", "password": PASSWORD} | changes


def test_register_creates_an_unverified_user_and_issues_no_token(api: ApiClient) -> None:
    response = api.post("/register", _form(firstName="Éve", lastName="O'Hara"))

    assert response.status_code == 201
    user, data = User.objects.get(), response.json()["data"]
    assert data["user"] | {"createdAt": ""} == {
        "id": str(user.id), "email": "eve@example.com", "username": "eve", "firstName": "Éve", "lastName": "O'Hara",
        "role": "USER", "emailVerified": False, "createdAt": "",
    }  # fmt: skip
    assert data["emailResult"]["success"] is True
    assert user.email_verified_at is None
    assert "oken" not in response.content.decode()
    assert not response.cookies


def test_an_empty_registration_lists_each_required_field(api: ApiClient) -> None:
    response = api.post("/register", {})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert set(response.json()["errors"]) == {"email", "username", "password"}


def test_register_sends_one_code_and_one_link(api: ApiClient, outbox: Outbox) -> None:
    response = api.post("/register", _form())

    [message] = outbox()
    assert message.to == ["eve@example.com"]
    for secret in (code_in(message), token_in(message)):
        assert secret not in response.content.decode()
        assert secret not in str(response.headers)


def test_the_password_is_stored_only_as_a_bcrypt_hash(api: ApiClient) -> None:
    response = api.post("/register", _form())

    stored = User.objects.get().password
    assert stored.startswith("bcrypt_sha256$$2b$")
    assert PASSWORD not in stored
    assert User.objects.get().check_password(PASSWORD)
    assert PASSWORD not in response.content.decode()
    assert "bcrypt" not in response.content.decode()


def test_two_users_with_one_password_have_different_hashes(api: ApiClient) -> None:
    api.post("/register", _form())
    api.post("/register", _form(email="eva@example.com", username="eva"))

    first, second = User.objects.values_list("password", flat=True)
    assert first != second


def test_a_password_is_significant_beyond_the_72_bytes_of_bcrypt(api: ApiClient, settings: Settings) -> None:
    settings.EMAIL_VERIFICATION = "optional"
    long = "Aa1" + "x" * 77
    assert api.post("/register", _form(password=long)).status_code == 201

    other_tail = api.post("/login", {"username": "eve", "password": long[:72] + "y" * 8})

    assert other_tail.json()["code"] == "invalid_credentials"
    assert api.post("/login", {"username": "eve", "password": long}).status_code == 200


@pytest.mark.parametrize(
    "password",
    [
        "",
        "Aa1xxxx",
        "correct-horse-7",
        "CORRECT-HORSE-7",
        "Correct-Horse-X",
        "Aa1" + "x" * 126,
        "Aa1\0xxxxxx",
        12345678,
    ],
)
def test_a_password_that_breaks_a_rule_is_an_error_of_its_field(api: ApiClient, password: object) -> None:
    response = api.post("/register", _form(password=password))

    assert response.status_code == 400
    assert response.json()["code"] == "validation_error"
    assert list(response.json()["errors"]) == ["password"]
    assert not User.objects.exists()
    assert not OutboxEmail.objects.exists()


@pytest.mark.parametrize("password", ["Aa1" + "x" * 125, " Correct Horse 7 ", "Pässwörter-9"])
def test_a_password_is_not_stripped_or_changed(api: ApiClient, password: str) -> None:
    assert api.post("/register", _form(password=password)).status_code == 201
    assert User.objects.get().check_password(password)
    assert not User.objects.get().check_password(password.strip() + " ")


def test_a_password_similar_to_the_username_is_rejected(api: ApiClient) -> None:
    response = api.post("/register", _form(username="Evangeline7", password="Evangeline7x"))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["password"]
    assert not User.objects.exists()


def test_a_common_password_is_rejected_if_configured(api: ApiClient, settings: Settings) -> None:
    assert api.post("/register", _form(password="Password123")).status_code == 201
    common = {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"}
    settings.AUTH_PASSWORD_VALIDATORS = [*settings.AUTH_PASSWORD_VALIDATORS, common]

    response = api.post("/register", _form(email="eva@example.com", username="eva", password="Password123"))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["password"]


@pytest.mark.parametrize("email", ["eve@example.com", "EVE@Example.COM", "eve@\uff45xample.com"])
def test_an_email_is_taken_in_every_spelling(api: ApiClient, email: str) -> None:
    api.post("/register", _form())

    response = api.post("/register", _form(email=email, username="newcomer"))

    assert response.status_code == 400
    assert response.json()["code"] == "email_taken"
    assert list(response.json()["errors"]) == ["email"]
    assert User.objects.count() == OutboxEmail.objects.count() == 1


def test_both_spellings_of_an_international_domain_are_one_email(api: ApiClient) -> None:
    assert api.post("/register", _form(email="eve@bücher.example")).status_code == 201

    response = api.post("/register", _form(email="eve@xn--bcher-kva.example", username="newcomer"))

    assert response.json()["code"] == "email_taken"


def test_a_username_is_taken_in_any_case(api: ApiClient) -> None:
    api.post("/register", _form())

    response = api.post("/register", _form(email="other@example.com", username="EVE"))

    assert response.status_code == 400
    assert response.json()["code"] == "username_taken"
    assert list(response.json()["errors"]) == ["username"]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "username",
    [
        "ev",
        "e" * 31,
        "eve!",
        "e ve",
        " eve",
        "éve",
        "eve\n",
        "e\0ve",
        "eve@x",
        "admin",
        "ROOT",
        "null",
        "",
        None,
        7,
        ["eve"],
        {},
    ],
)
def test_an_invalid_or_reserved_username_is_rejected(api: ApiClient, username: object) -> None:
    response = api.post("/register", _form(username=username))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["username"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "email",
    [
        "eve", "eve@", "@example.com", "eve@localhost", "eve@[127.0.0.1]", '"e@ve"@example.com', "eve@exa mple.com",
        "=?utf-8?q?eve?=@example.com", "eve@example.com.", " eve@example.com", "eve@example.com\n", "e\0ve@example.com",
        "eve@example.com\r\nBcc: all@example.com", f"{'e' * 65}@example.com", f"eve@{'e' * 260}.com", "eve@.com", 7, None, [],
    ],
)  # fmt: skip
def test_an_invalid_email_is_rejected(api: ApiClient, email: object) -> None:
    response = api.post("/register", _form(email=email))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["email"]
    assert not User.objects.exists()
    assert not OutboxEmail.objects.exists()


@pytest.mark.parametrize(
    "name", ["E", "", "e" * 151, "Eve\r\nBcc: all@example.com", "E\u2028ve", "E\0ve", "E\x1bve", 7, True]
)
@pytest.mark.parametrize("field", ["firstName", "lastName"])
def test_a_name_of_one_letter_or_with_control_characters_is_rejected(api: ApiClient, field: str, name: object) -> None:
    response = api.post("/register", _form(**{field: name}))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert not User.objects.exists()


def test_read_only_fields_are_ignored_at_registration(api: ApiClient) -> None:
    hostile = {
        "id": "00000000-0000-7000-8000-000000000000", "role": "ADMIN", "isStaff": True, "is_staff": True, "isActive": False,
        "isSuperuser": True, "is_superuser": True, "emailVerified": True, "email_verified_at": "2020-01-01T00:00:00Z",
        "createdAt": "2001-01-01T00:00:00Z",
    }  # fmt: skip

    assert api.post("/register", _form(**hostile)).status_code == 201

    user = User.objects.get()
    assert (user.role, user.is_staff, user.is_superuser, user.is_active) == (Role.USER, False, False, True)
    assert user.email_verified_at is None
    assert str(user.id) != hostile["id"]
    assert user.created_at.year > 2001


def test_markup_in_a_name_is_escaped_in_emails(api: ApiClient, outbox: Outbox) -> None:
    api.post("/register", _form(firstName="<script>alert(1)</script>{{ 7 }}{% debug %}"))
    api.post("/verify-email", {"email": "eve@example.com", "code": code_in(outbox()[0])})

    welcome = outbox()[1]
    assert isinstance(welcome, EmailMultiAlternatives)
    html = str(welcome.alternatives[0][0])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 }}{% debug %}" in html
    assert "<script" not in html


def test_the_language_of_emails_is_the_given_one_or_that_of_the_request(api: ApiClient) -> None:
    api.post("/register", _form(language="fr"))
    api.post(
        "/register", _form(email="eva@example.com", username="eva"), headers={"Accept-Language": "fr-CA, en;q=0.5"}
    )
    api.post("/register", _form(email="ewa@example.com", username="ewa"), headers={"Accept-Language": "de"})

    assert list(User.objects.order_by("id").values_list("language", flat=True)) == ["fr", "fr", "en"]
    assert api.post("/register", _form(username="evi", language="tlh")).json()["code"] == "validation_error"


def test_the_last_of_duplicate_json_keys_is_validated_and_stored(api: ApiClient) -> None:
    body = f'{{"email": "first@example.com", "email": "last@example.com", "username": "eve", "password": "{PASSWORD}"}}'

    assert api.generic("POST", "/register", body, content_type="application/json").status_code == 201

    assert User.objects.get().email_key == "last@example.com"


def test_without_verification_an_account_needs_no_email(api: ApiClient, settings: Settings) -> None:
    settings.EMAIL_VERIFICATION = "none"

    response = api.post("/register", {"username": "eve", "password": PASSWORD})

    assert response.status_code == 201
    assert response.json()["data"]["user"]["email"] is None
    assert not OutboxEmail.objects.exists()
    assert api.post("/login", {"username": "eve", "password": PASSWORD}).status_code == 200
    assert api.post("/register", {"username": "eva", "password": PASSWORD}).status_code == 201


def test_with_verification_an_account_needs_an_email(api: ApiClient, settings: Settings) -> None:
    for verification in ("mandatory", "optional"):
        settings.EMAIL_VERIFICATION = verification
        response = api.post("/register", {"username": "eve", "password": PASSWORD})
        assert list(response.json()["errors"]) == ["email"]
    assert not User.objects.exists()


def test_a_taken_email_looks_like_success_with_prevent_enumeration(
    api: ApiClient, alice: User, outbox: Outbox, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = True

    fresh = api.post("/register", _form())
    taken = api.post("/register", _form(email="Alice@example.com", username="newcomer"))

    assert fresh.status_code == taken.status_code == 201
    for response in (fresh, taken):
        assert set(response.json()["data"]["user"]) == {
            "id", "email", "username", "firstName", "lastName", "role", "emailVerified", "createdAt"
        }  # fmt: skip
    assert fresh.json()["message"] == taken.json()["message"]
    assert fresh.json()["data"]["emailResult"] == taken.json()["data"]["emailResult"]
    placeholder = User.objects.get(username="newcomer")
    assert (placeholder.is_placeholder, placeholder.email) == (True, None)
    assert [str(email.kind) for email in OutboxEmail.objects.filter(user=alice)] == ["address_already_registered"]
    assert outbox()[-1].to == ["alice@example.com"]


def test_a_taken_username_hides_a_taken_email_with_prevent_enumeration(
    api: ApiClient, alice: User, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = True

    response = api.post("/register", _form(email=alice.email, username="alice"))

    assert response.json()["code"] == "username_taken"
    assert list(response.json()["errors"]) == ["username"]
    assert not OutboxEmail.objects.exists()
