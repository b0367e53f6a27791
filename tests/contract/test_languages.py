"""The language of API, emails and pages: English, or French on request."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.test import Client
from django.utils.html import strip_tags

from accounts.mail.kinds import EMAIL_KINDS
from accounts.mail.rendering import render
from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in

Outbox = Callable[[], list[EmailMessage]]

FRENCH = "fr-CA,fr;q=0.9"
EVENT = {"happened_at": "2026-03-09T14:05:00Z", "ip": "203.0.113.7", "device": "Chrome, Windows", "location": "Lyon"}
LINKS = {"link": "https://auth.example.com/x?token=a1", "public_url": "https://auth.example.com"}
TERMS = {
    "product_name": "Vestibule",
    "username": "alice",
    "code": "482913",
    "code_minutes": 15,
    "minutes": 60,
    "days": 7,
}
CONTEXT = EVENT | LINKS | TERMS | {"link_hours": 24, "codes_left": 9}

BAD_REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "missing": ("post", "/register", {}),
    "empty": ("post", "/register", {"email": "", "username": "", "password": "", "firstName": ""}),
    "short": ("post", "/register", {"email": "eve", "username": "e", "password": "a", "firstName": "É"}),
    "long": ("post", "/register", {"email": "e" * 255, "username": "e" * 31, "password": "a" * 129}),
    "strange": ("post", "/register", {"email": "a\tb", "username": "é è", "password": "\0", "language": "de"}),
    "no text": ("post", "/register", {"email": 1, "username": [], "password": None, "lastName": {}}),
    "reserved": ("post", "/register", {"email": "e@example.com", "username": "root", "password": PASSWORD}),
    "similar": ("post", "/register", {"email": "e@example.com", "username": "evelyne", "password": "Evelyne-1"}),
    "unknown": ("post", "/login", {"username": "eve", "password": PASSWORD}),
    "two names": ("post", "/login", {"username": "eve", "email": "e@example.com", "password": PASSWORD}),
    "data": ("post", "/login", {"username": "eve", "password": PASSWORD, "data": []}),
    "code": ("post", "/verify-email", {"email": "eve@example.com", "code": "123456"}),
    "reset": ("post", "/reset-password", {"token": "a1b2", "newPassword": PASSWORD}),
    "resend": ("post", "/resend-verification", {"email": "eve@example.com"}),
    "refresh": ("post", "/refresh", {"refreshToken": "a1b2"}),
    "not signed in": ("get", "/me", {}),
    "not supported": ("get", "/register", {}),
    "no such path": ("get", "/nowhere", {}),
}


def speaking(languages: str) -> ApiClient:
    return ApiClient(HTTP_ACCEPT_LANGUAGE=languages)


def texts_in(response: Any) -> set[str]:
    """Return every human message in an error response."""
    body = response.json()
    return {body["message"], *(text for texts in body.get("errors", {}).values() for text in texts)}


def form(**changes: Any) -> dict[str, Any]:
    return {"email": "eve@example.com", "username": "eve", "password": PASSWORD} | changes


@pytest.mark.django_db
@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_french_error_contains_no_english(case: str) -> None:
    method, path, body = BAD_REQUESTS[case]
    english = getattr(speaking("en"), method)(path, body)
    french = getattr(speaking(FRENCH), method)(path, body)

    assert french.status_code == english.status_code >= 400
    assert french.json()["code"] == english.json()["code"]
    assert texts_in(french) & texts_in(english) == set()


@pytest.mark.django_db
def test_required_fields_are_reported_in_french() -> None:
    response = speaking(FRENCH).post("/register", {})

    assert response.json() == {
        "success": False,
        "code": "validation_error",
        "message": "Certains champs ne sont pas valides.",
        "errors": {name: ["Ce champ est obligatoire."] for name in ("email", "username", "password")},
    }


def test_a_response_has_content_language_and_vary_headers() -> None:
    response = speaking(FRENCH).get("/me")

    assert response.headers["Content-Language"] == "fr"
    assert "Accept-Language" in response.headers["Vary"]


def test_errors_raised_before_the_view_are_french_too() -> None:
    wrong_host = speaking(FRENCH).get("/me", HTTP_HOST="not a host")
    no_json = speaking(FRENCH).post("/login", data="{", content_type="application/json")
    no_media_type = speaking(FRENCH).post("/login", data="a=b", content_type="text/plain")

    assert wrong_host.json()["message"] == "La requête est mal formée."
    assert no_json.json()["message"] == "Le corps de la requête doit être un objet JSON."
    assert no_media_type.status_code == 415
    assert no_media_type.json()["message"].startswith("Envoyez du JSON")


@pytest.mark.parametrize(
    "languages",
    ["", "de", "de-DE,de;q=0.9", "*", ";q=,,;", "fr;q=x", "en,fr;q=0.9", "é" * 20, "x" * 10_240, "de," * 3_414],
    ids=lambda languages: languages[:20] or "none",
)
def test_an_unsupported_language_falls_back_to_english(languages: str) -> None:
    response = speaking(languages).get("/me")

    assert response.status_code == 401
    assert response.json()["message"] == "Sign in first."


def test_a_language_does_not_leak_into_the_next_request() -> None:
    assert speaking(FRENCH).get("/me").json()["message"] == "Connectez-vous d\u2019abord."
    assert ApiClient().get("/me").json()["message"] == "Sign in first."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("requested", "language", "expected"),
    [(FRENCH, None, "fr"), ("de", None, "en"), (FRENCH, "en", "en"), ("en", "fr", "fr")],
)
def test_a_new_account_without_a_language_gets_that_of_the_request(
    requested: str, language: str | None, expected: str
) -> None:
    speaking(requested).post("/register", form(language=language) if language else form())

    assert User.objects.get().language == expected


@pytest.mark.django_db
def test_verification_and_welcome_emails_use_the_users_language(api: ApiClient, outbox: Outbox) -> None:
    api.post("/register", form(language="fr"))
    [verification] = outbox()
    response = api.post("/verify-email", {"email": "eve@example.com", "code": code_in(verification)})
    [_, welcome] = outbox()

    assert verification.subject == "Confirmez votre adresse e-mail"
    assert_french(verification, "Saisissez ce code pour terminer la création de votre compte Vestibule\u00a0:")
    assert response.status_code == 200
    assert welcome.subject == "Bienvenue sur Vestibule"
    assert_french(welcome, "Votre adresse e-mail est confirmée et votre compte est prêt.")


def test_a_reset_email_uses_the_users_language_not_the_requests(alice: User, outbox: Outbox) -> None:
    User.objects.update(language="fr")

    speaking("en").post("/forgot-password", {"email": alice.email})

    [reset] = outbox()
    assert reset.subject == "Choisissez un nouveau mot de passe"
    assert_french(reset, "Lorsque votre mot de passe change, vous êtes déconnecté de tous vos appareils.")


def test_the_next_email_uses_a_changed_language(alice: User, outbox: Outbox, sign_in: Callable[..., Any]) -> None:
    sign_in(alice).client.patch("/me", {"language": "fr"})
    speaking("en").post("/forgot-password", {"email": alice.email})

    assert outbox()[-1].subject == "Choisissez un nouveau mot de passe"


def assert_french(message: EmailMessage, sentence: str) -> None:
    assert isinstance(message, EmailMultiAlternatives)
    html = str(message.alternatives[0][0])
    assert '<html lang="fr">' in html
    for body in (str(message.body), html):
        assert sentence in body
        assert "Vous recevez cet e-mail parce qu" in body
        assert "You're receiving" not in body


@pytest.mark.parametrize("kind", [kind.name for kind in EMAIL_KINDS])
def test_a_french_email_contains_no_english_line(kind: str) -> None:
    english, french = (render(kind=kind, language=language, context=CONTEXT) for language in ("en", "fr"))
    common_lines = set(english.text.splitlines()) & set(french.text.splitlines())

    assert english.subject != french.subject
    assert [line for line in common_lines if not re.fullmatch(r"|--|\d{6}|(Vestibule, )?https://\S+", line)] == []


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "API d\u2019authentification"),
        ("/verify-email", "Confirmez votre adresse e-mail"),
        ("/reset-password", "Choisissez un nouveau mot de passe"),
    ],
)
def test_a_french_page_contains_no_english_line(client: Client, path: str, heading: str) -> None:
    english, french = (
        client.get(path, headers={"Accept-Language": language}).content.decode() for language in ("en", FRENCH)
    )

    assert '<html lang="fr">' in french
    assert f"<h1>{heading}</h1>" in french
    assert lines_of(french) & lines_of(english) == {"", "Vestibule"}


def lines_of(html: str) -> set[str]:
    return {line.strip() for line in strip_tags(html).splitlines()}
