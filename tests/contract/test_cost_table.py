"""The table of costs in docs/performance.md: each row is measured, on real connections with commits and limits as deployed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import Json
from accounts.passkeys.testing.passkey_client import with_passkey
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from accounts.testing.query_counter import Measure
from accounts.testing.service_client import Service, make_service
from core.paths import BASE_DIR

pytestmark = pytest.mark.django_db(transaction=True)

_ROW = re.compile(r"^\| `([A-Z]+ /[^`]*)`(.*?) \| (\d+) \| (yes|no) \| (\d+) \|$", re.MULTILINE)
_PAGE = BASE_DIR / "docs" / "performance.md"
_NEW = "Another-Horse-8"


@dataclass(frozen=True)
class Caller:
    """alice's signed-in client, an anonymous client, a service that may introspect alice's token, and mallory's passkey."""

    me: SignedIn
    api: ApiClient
    service: Service
    passkey: Json

    def log_in(self, password: str = PASSWORD) -> Any:
        return self.api.post("/login", {"username": "alice", "password": password})


Action = Callable[[Caller], Any]


def _register(caller: Caller) -> Any:
    return caller.api.post("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})


def _change_password(caller: Caller) -> Any:
    return caller.me.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": _NEW})


REQUESTS: dict[str, Action] = {
    "GET /forward-auth": lambda caller: caller.me.client.get("/forward-auth"),
    "GET /me": lambda caller: caller.me.client.get("/me"),
    "PATCH /me": lambda caller: caller.me.client.patch("/me", {"firstName": "Alice"}),
    "GET /me/activity": lambda caller: caller.me.client.get("/me/activity"),
    "GET /sessions": lambda caller: caller.me.client.get("/sessions"),
    "GET /sessions/{id}": lambda caller: caller.me.client.get(f"/sessions/{caller.me.session_id}"),
    "PATCH /sessions/{id}": lambda caller: caller.me.client.patch(
        f"/sessions/{caller.me.session_id}", {"name": "Here"}
    ),
    "DELETE /sessions/{id}": lambda caller: caller.me.client.delete(f"/sessions/{caller.me.session_id}"),
    "POST /refresh": lambda caller: caller.api.post("/refresh", {"refreshToken": caller.me.refresh}),
    "POST /login": lambda caller: caller.log_in(),
    "POST /login, wrong password": lambda caller: caller.log_in("Wrong-Horse-7"),
    "POST /passkeys/login/options": lambda caller: caller.api.post("/passkeys/login/options"),
    "POST /passkeys/login": lambda caller: caller.api.post("/passkeys/login", {"credential": caller.passkey}),
    "POST /register": _register,
    "POST /logout": lambda caller: caller.me.client.post("/logout"),
    "POST /logout-all": lambda caller: caller.me.client.post("/logout-all"),
    "POST /change-password": _change_password,
    "POST /forgot-password": lambda caller: caller.api.post("/forgot-password", {"email": "alice@example.com"}),
    "POST /mfa/totp": lambda caller: caller.me.client.post("/mfa/totp"),
    "POST /introspect": lambda caller: caller.service.introspect(caller.me.access),
}


@pytest.fixture
def caller(alice: User, mallory: User, sign_in: Callable[..., SignedIn], limits_on: Settings) -> Caller:
    """Return a caller whose session and scripts are already in Redis."""
    authenticator = with_passkey(sign_in(mallory)).authenticator
    assertion = authenticator.get(passkey_client.sign_in_options())
    caller = Caller(sign_in(alice), ApiClient(HTTP_USER_AGENT=CHROME), make_service(), assertion)
    caller.me.client.get("/me")
    caller.service.introspect(caller.me.access)
    caller.api.post("/login", {"username": "unknown", "password": PASSWORD})
    return caller


def _rows() -> dict[str, tuple[int, bool, int]]:
    """Return for each request in the table: SQL statements, use of a transaction, Redis commands."""
    rows = _ROW.findall(_PAGE.read_text())
    return {name + note: (int(sql), transaction == "yes", int(redis)) for name, note, sql, transaction, redis in rows}


def test_the_table_has_a_row_for_each_measured_request() -> None:
    assert list(_rows()) == list(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_costs_what_the_table_says(caller: Caller, measure: Measure, name: str) -> None:
    work = measure(lambda: REQUESTS[name](caller))

    assert (len(work.sql), bool(work.frames), sum(map(len, work.redis))) == _rows()[name]
