"""Requests of the sign-in by email, and the secrets that its emails carry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.mail import EmailMessage

from accounts.testing.api_client import ApiClient
from accounts.testing.emails import code_in, token_in

Outbox = Callable[[], list[EmailMessage]]
ALICE = "alice@example.com"


@dataclass(frozen=True)
class Emailed:
    """A request for a code, and the code and the link's token that were emailed for it."""

    login_token: str
    code: str
    token: str

    @property
    def wrong_code(self) -> str:
        return "000000" if self.code != "000000" else "111111"


def ask(email: str = ALICE, client: ApiClient | None = None) -> Any:
    return (client or ApiClient()).post("/login/code", {"email": email})


def login_token(email: str = ALICE, client: ApiClient | None = None) -> str:
    response = ask(email, client)
    assert response.status_code == 200, response.content
    return str(response.json()["data"]["loginToken"])


def emailed(outbox: Outbox, email: str = ALICE, client: ApiClient | None = None) -> Emailed:
    """Request a code, and let the worker send it."""
    token = login_token(email, client)
    message = outbox()[-1]
    return Emailed(token, code_in(message), token_in(message))


def verify(client: ApiClient | None = None, /, **body: Any) -> Any:
    return (client or ApiClient()).post("/login/code/verify", body)


def outcome(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "ok")
