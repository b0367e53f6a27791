"""A session from registration to logout."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage

from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in


@pytest.mark.django_db
def test_a_user_registers_verifies_logs_in_and_logs_out(
    api: ApiClient, outbox: Callable[[], list[EmailMessage]]
) -> None:
    assert (
        api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD}).status_code == 201
    )
    assert api.post("/verify-email", {"email": "eve@example.com", "code": code_in(outbox()[0])}).status_code == 200
    response = api.post("/login", {"email": "eve@example.com", "password": PASSWORD})
    token = response.json()["data"]["token"]
    assert api.bearing(token).get("/me").status_code == 200
    assert api.bearing(token).post("/logout").status_code == 200
    assert api.bearing(token).get("/me").json()["code"] == "session_revoked"
