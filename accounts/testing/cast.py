"""Users and requests for tests against a live server: the users are committed, so that every process sees them."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.testing.api_client import PASSWORD
from core.ids import new_id
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str


def someone(*, verified: bool = True) -> User:
    """Create a user with a unique name."""
    name = f"u{new_id().hex[-20:]}"
    verified_at = timezone.now() if verified else None
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, email_verified_at=verified_at)


def log_in(user: User, password: str = PASSWORD) -> ApiRequest:
    return ApiRequest("POST", "/login", {"username": user.username, "password": password})


def signed_in(server: LiveServer, user: User) -> Tokens:
    return tokens_of(server.send(log_in(user)))


def tokens_of(response: ApiResponse) -> Tokens:
    assert response.status == 200, response
    pair: dict[str, Any] = response.data["tokens"]
    return Tokens(access=pair["accessToken"], refresh=pair["refreshToken"])


def refresh(token: str) -> ApiRequest:
    return ApiRequest("POST", "/refresh", {"refreshToken": token})


def me(token: str) -> ApiRequest:
    """Use the path with a slash, which Django serves with the principal cache; the fast path reads the database."""
    return ApiRequest("GET", "/me/", token=token)
