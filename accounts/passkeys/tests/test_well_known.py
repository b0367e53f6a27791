"""The documents of passkeys below /.well-known."""

import pytest
from django.test import Client
from pytest_django import Settings

DOCUMENTS = ["/.well-known/webauthn", "/.well-known/passkey-endpoints"]


def test_the_related_origins_are_those_of_the_web(client: Client, settings: Settings) -> None:
    web = ["https://example.com", "https://shop.example.net"]
    settings.WEBAUTHN_ORIGINS = [*web, f"android:apk-key-hash:{'a' * 43}", "app://example.com"]

    response = client.get("/.well-known/webauthn")

    assert (response.status_code, response.json()) == (200, {"origins": web})


def test_password_managers_find_the_pages_of_passkeys(client: Client, settings: Settings) -> None:
    settings.PASSKEY_ENROLL_URL, settings.PASSKEY_MANAGE_URL = "https://a.example/add", "https://a.example/keys"

    response = client.get("/.well-known/passkey-endpoints")

    assert response.json() == {"enroll": "https://a.example/add", "manage": "https://a.example/keys"}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_is_json_without_a_redirect_for_every_site(client: Client, path: str) -> None:
    for response in (client.get(path), client.get(f"{path}/"), client.head(path)):
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"
        assert response["Access-Control-Allow-Origin"] == "*"
        assert not response.cookies


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_can_only_be_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
