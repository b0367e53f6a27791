"""Codes and tokens as users paste them: every endpoint normalizes them alike, and malformed codes are not charged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from rest_framework import serializers

from accounts.api.serializers import email_change, forms, pending_logins, users
from accounts.api.serializers.fields import OneTimeCode, PastedToken
from accounts.mfa.api import forms as mfa_forms
from accounts.mfa.api.forms import RecoveryCodeField
from accounts.mfa.tests.wrong_codes import wrong_codes
from accounts.models import AttemptCounter, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from accounts.testing.second_factor import AuthenticatorApp, enrol, verify

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]
Send = Callable[[object], Any]

_FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
_ARABIC = {ord("0") + digit: 0x0660 + digit for digit in range(10)}
PASTED: dict[str, Callable[[str], str]] = {
    "blank within": lambda code: f"{code[:3]} {code[3:]}",
    "hyphen": lambda code: f"{code[:3]}-{code[3:]}",
    "non-breaking hyphen": lambda code: f"{code[:3]}\u2011{code[3:]}",
    "blanks around": "  {} ".format,
    "line break": "{}\r\n".format,
    "no-break space": "\xa0{}\u202f".format,
    "invisible": "\ufeff{}\u200b".format,
    "full width": lambda code: code.translate(_FULL_WIDTH),
    "Arabic digits": lambda code: code.translate(_ARABIC),
}
NOT_CODES = ["12345", "1234567", "abcdef", "12345x", "+12345", "1234.5", "-", " ", "", "\u4e00" * 6, "12\x003456"]
NOT_TEXT: list[object] = [123456, 123456.0, True, None, [], ["123456"], {}]


@dataclass(frozen=True)
class CodeEndpoint:
    """`code` is the valid one, `send` sends a code, and `is_uncharged` returns whether no attempt has been counted."""

    code: str
    send: Send
    is_uncharged: Callable[[], bool]


@pytest.fixture
def endpoints(alice: User, bob: User, mallory: User, sign_in: SignIn, outbox: Outbox) -> dict[str, CodeEndpoint]:
    """Return every endpoint that accepts a six-digit code, by path."""
    api = ApiClient()
    api.post("/resend-verification", {"email": "bob@example.com"})
    client = sign_in(alice).client
    client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    emails = {message.to[0]: message for message in outbox()}
    app = AuthenticatorApp(client.post("/mfa/totp").json()["data"]["secret"])
    user = enrol(sign_in(mallory))
    pending = user.pending()

    def is_mfa_uncharged(user: User) -> Callable[[], bool]:
        return lambda: wrong_codes(user) == 0

    return {
        "/verify-email": CodeEndpoint(
            code_in(emails["bob@example.com"]),
            lambda code: api.post("/verify-email", {"email": "bob@example.com", "code": code}),
            lambda: not AttemptCounter.objects.exists(),
        ),
        "/change-email/confirm": CodeEndpoint(
            code_in(emails["alice@example.org"]),
            lambda code: client.post("/change-email/confirm", {"code": code}),
            lambda: not AttemptCounter.objects.exists(),
        ),
        "/mfa/totp/confirm": CodeEndpoint(
            app.code(), lambda code: client.post("/mfa/totp/confirm", {"code": code}), is_mfa_uncharged(alice)
        ),
        "/mfa/verify": CodeEndpoint(
            user.app.code(), lambda code: verify(pending, code=code), is_mfa_uncharged(mallory)
        ),
    }


PATHS = ["/verify-email", "/change-email/confirm", "/mfa/totp/confirm", "/mfa/verify"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("paste", PASTED.values(), ids=PASTED)
def test_a_code_is_accepted_as_it_is_pasted(
    endpoints: dict[str, CodeEndpoint], path: str, paste: Callable[[str], str]
) -> None:
    endpoint = endpoints[path]

    assert endpoint.send(paste(endpoint.code)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_malformed_code_is_a_validation_error_and_not_charged(endpoints: dict[str, CodeEndpoint], path: str) -> None:
    endpoint = endpoints[path]
    for code in [*NOT_CODES, *NOT_TEXT]:
        response = endpoint.send(code)
        assert (response.status_code, response.json()["code"]) == (400, "validation_error"), code
        assert response.json()["errors"].keys() == {"code"}, code

    assert endpoint.is_uncharged()
    assert endpoint.send(endpoint.code).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_code_is_charged_in_any_spelling(endpoints: dict[str, CodeEndpoint], path: str) -> None:
    endpoint = endpoints[path]
    wrong = f"{(int(endpoint.code) + 1) % 1_000_000:06d}"

    assert endpoint.send(f"{wrong[:3]} {wrong[3:]}").json()["code"] == "code_invalid"

    assert not endpoint.is_uncharged()


@pytest.mark.parametrize("path", PATHS)
def test_a_used_code_is_rejected_in_any_spelling(endpoints: dict[str, CodeEndpoint], path: str) -> None:
    endpoint = endpoints[path]
    assert endpoint.send(endpoint.code).status_code == 200

    assert {endpoint.send(paste(endpoint.code)).status_code for paste in list(PASTED.values())[:4]} <= {400, 401}


@pytest.mark.parametrize(
    "paste",
    [str.lower, lambda code: code.replace("-", ""), lambda code: f"\xa0{code.replace('-', ' ')}\n", "{}\u200b".format],
)
def test_a_recovery_code_is_accepted_as_it_is_pasted(alice: User, sign_in: SignIn, paste: Callable[[str], str]) -> None:
    user = enrol(sign_in(alice))

    assert verify(user.pending(), recoveryCode=paste(user.recovery_codes[0])).status_code == 200


@pytest.mark.parametrize("code", ["123456", "AAAAA-AAAA", "AAAAA-AAAAAA", "AAAAA-AAAA0", "AAAAA.AAAAA", "", 1234567890])
def test_a_malformed_recovery_code_is_a_validation_error_and_not_charged(
    alice: User, sign_in: SignIn, code: object
) -> None:
    user = enrol(sign_in(alice))

    response = verify(user.pending(), recoveryCode=code)

    assert (response.json()["code"], response.json()["errors"].keys()) == ("validation_error", {"recoveryCode"})
    assert not AttemptCounter.objects.exists()


@pytest.mark.parametrize(("typed", "attempts"), [("12345", 0), ("no code", 0), ("000 000", 1), ("aaaaa aaaaa", 1)])
def test_the_admin_login_normalizes_codes_alike(superuser: User, sign_in: SignIn, typed: str, attempts: int) -> None:
    user, browser = enrol(sign_in(superuser)), Client()
    page = browser.post(reverse("admin:login"), {"username": superuser.username, "password": PASSWORD})
    form = {"mfa_token": page.context["form"].pending_token}

    rejected = browser.post(reverse("admin:login"), form | {"code": typed})

    assert (rejected.status_code, rejected.context["form"].pending_token) == (200, form["mfa_token"])
    assert wrong_codes(superuser) == attempts
    code = user.app.code()
    assert browser.post(reverse("admin:login"), form | {"code": f"{code[:3]}\xa0{code[3:]}"}).status_code == 302


@pytest.mark.parametrize("paste", [" {}".format, "{}\r\n".format, "\xa0{}\u200b".format])
def test_blanks_around_a_pasted_token_are_ignored(
    alice: User, bob: User, sign_in: SignIn, outbox: Outbox, paste: Callable[[str], str]
) -> None:
    api, user = ApiClient(), enrol(sign_in(alice))
    api.post("/resend-verification", {"email": "bob@example.com"})
    api.post("/forgot-password", {"email": "alice@example.com"})
    emails = {message.to[0]: token_in(message) for message in outbox() if "token=" in str(message.body)}

    query = {"email": paste("bob@example.com"), "token": paste(emails["bob@example.com"])}
    assert api.get("/verify-email", query).status_code == 200
    assert verify(paste(user.pending()), code=user.app.code()).status_code == 200
    reset = {"token": paste(emails["alice@example.com"]), "newPassword": "Another-Horse-8"}
    assert api.post("/reset-password", reset).status_code == 200


@pytest.mark.parametrize("paste", [" {}".format, "{}\r\n".format, "\xa0{}\u200b".format])
def test_blanks_around_a_refresh_token_are_ignored(
    api: ApiClient, alice: User, sign_in: SignIn, paste: Callable[[str], str]
) -> None:
    refreshed, ended = sign_in(alice), sign_in(alice)

    assert api.post("/refresh", {"refreshToken": paste(refreshed.refresh)}).status_code == 200
    assert ApiClient().post("/logout", {"refreshToken": paste(ended.refresh)}).status_code == 200

    assert ended.client.get("/me").json()["code"] == "session_revoked"
    assert refreshed.client.get("/me").status_code == 200


def test_logout_accepts_any_text_as_a_token(api: ApiClient) -> None:
    assert api.post("/logout", {"mfaToken": " " + "x" * 2000}).status_code == 200


def test_every_form_uses_these_fields_for_codes_and_tokens() -> None:
    tokens = dict.fromkeys(["token", "mfaToken", "refreshToken"], PastedToken)
    expected = {"code": OneTimeCode, "recoveryCode": RecoveryCodeField} | tokens
    wrong = [
        f"{form.__name__}.{name}"
        for form in _forms()
        for name, field in form().fields.items()
        if name in expected and not isinstance(field, expected[name])
    ]

    assert wrong == []


def _forms() -> Iterator[type[serializers.Serializer[Any]]]:
    """Yield the forms of the API, except those of RFC 7662 and RFC 7009, whose tokens no user pastes."""
    for module in (email_change, forms, mfa_forms, pending_logins, users):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, serializers.Serializer):
                yield value
