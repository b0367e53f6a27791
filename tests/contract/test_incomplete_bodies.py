"""A request whose body ended early is rejected before a view sees it."""

from typing import Any

import pytest

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from core.http.wsgi_bridge import INCOMPLETE_BODY

INCOMPLETE: dict[str, Any] = {INCOMPLETE_BODY: True}


def test_an_incomplete_registration_creates_no_user(api: ApiClient, db: None) -> None:
    body = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}

    response = api.post("/register", body, **INCOMPLETE)

    assert response.status_code == 400
    assert response.json()["success"] is False
    assert not User.objects.exists()


@pytest.mark.parametrize("path", ["/logout", "/logout-all"])
def test_an_incomplete_logout_revokes_nothing(signed_in: SignedIn, path: str) -> None:
    response = signed_in.client.post(path, {}, **INCOMPLETE)

    assert response.status_code == 400
    assert signed_in.client.get("/me").status_code == 200
