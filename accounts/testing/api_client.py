"""An API client for tests, and the users who sign in with it."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import TestCase
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User

PASSWORD = "Correct-Horse-7"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


class ApiClient(APIClient):
    """Sends JSON to /api/auth. On-commit callbacks have run when a request returns."""

    def request(self, **kwargs: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return _read_whole(super().request(**kwargs))

    def generic(self, method: str, path: Any, *args: Any, **kwargs: Any) -> Any:
        return super().generic(method, path if path.startswith("/api") else f"/api/auth{path}", *args, **kwargs)

    def bearing(self, token: str) -> "ApiClient":
        """Return another client, without cookies, that sends this access token."""
        other = ApiClient()
        other.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return other


def _read_whole(response: Any) -> Any:
    """Return a streaming response as an ordinary one, any other unchanged."""
    if not response.streaming:
        return response
    whole: Any = HttpResponse(response.getvalue(), status=response.status_code, headers=dict(response.headers))
    whole.json = lambda: json.loads(whole.content)
    return whole


@dataclass
class SignedIn:
    """A signed-in user: `client` sends the access token and no cookie."""

    user: User
    client: ApiClient
    data: dict[str, Any] = field(repr=False)

    @property
    def access(self) -> str:
        return str(self.data["tokens"]["accessToken"])

    @property
    def refresh(self) -> str:
        return str(self.data["tokens"]["refreshToken"])

    @property
    def session_id(self) -> str:
        return str(self.data["session"]["id"])


def create_user(name: str, *, verified: bool) -> User:
    verified_at = timezone.now() if verified else None
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, email_verified_at=verified_at)


def stable_headers(response: Any) -> dict[str, str]:
    """Return the headers without the request id, which is always unique."""
    return {name: value for name, value in response.headers.items() if name != "X-Request-Id"}
