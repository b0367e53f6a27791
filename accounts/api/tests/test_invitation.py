"""Repeated invitations for users who have not set a password."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import token_in

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

EVE = {"email": "eve@example.com", "username": "eve"}


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> ApiClient:
    return sign_in(admin).client


@pytest.fixture
def eve(client: ApiClient) -> str:
    return str(client.post("/users", EVE).json()["data"]["user"]["id"])


def test_another_invitation_invalidates_the_first(
    api: ApiClient, client: ApiClient, eve: str, outbox: Outbox, settings: Settings
) -> None:
    settings.NOTICE_PAUSE = timedelta(0)
    first = token_in(outbox()[0])

    assert client.post(f"/users/{eve}/invite").status_code == 200

    second = outbox()[-1]
    body = {"newPassword": PASSWORD}
    assert second.to == ["eve@example.com"]
    assert api.post("/reset-password", body | {"token": first}).json()["code"] == "token_invalid"
    assert api.post("/reset-password", body | {"token": token_in(second)}).status_code == 200


def test_two_queued_invitations_are_sent_as_one_email(client: ApiClient, eve: str, outbox: Outbox) -> None:
    client.post(f"/users/{eve}/invite")

    assert len(outbox()) == 1


def test_users_with_a_password_or_deactivated_are_not_invited(client: ApiClient, eve: str, alice: User) -> None:
    client.patch(f"/users/{eve}", {"isActive": False})
    queued = OutboxEmail.objects.count()

    for user_id in (eve, alice.id):
        response = client.post(f"/users/{user_id}/invite")
        assert (response.status_code, response.json()["code"]) == (400, "invitation_not_needed")

    assert OutboxEmail.objects.count() == queued


def test_only_administrators_send_invitations(eve: str, mallory: User, sign_in: SignIn) -> None:
    queued = OutboxEmail.objects.count()

    assert ApiClient().post(f"/users/{eve}/invite").status_code == 401
    assert sign_in(mallory).client.post(f"/users/{eve}/invite").status_code == 403

    assert OutboxEmail.objects.count() == queued
