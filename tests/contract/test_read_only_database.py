"""A database that accepts reads only, as after a failover: writes get 503 with Retry-After, and no data is lost."""

from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

pytestmark = pytest.mark.django_db(transaction=True)

_STATEMENTS = {
    "postgresql": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    ),
    "sqlite": ("PRAGMA query_only = 1", "PRAGMA query_only = 0"),
}


@pytest.fixture
def demote() -> Iterator[Callable[[], None]]:
    """Return a function that makes this connection read-only, like that of a standby."""
    demotion, promotion = _STATEMENTS[connection.vendor]

    def execute(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    yield lambda: execute(demotion)
    execute(promotion)


def test_both_databases_report_a_refused_write_as_an_operational_error(alice: User, demote: Callable[[], None]) -> None:
    demote()

    with pytest.raises(OperationalError):
        alice.save()


WRITES = [
    ("post", "/register", {"username": "carol", "email": "carol@example.com", "password": PASSWORD}),
    ("post", "/login", {"username": "alice", "password": PASSWORD}),
    ("post", "/forgot-password", {"email": "alice@example.com"}),
    ("post", "/resend-verification", {"email": "bob@example.com"}),
    ("post", "/logout-all", {}),
    ("patch", "/me", {"firstName": "Alice"}),
    ("post", "/change-password", {"currentPassword": PASSWORD, "newPassword": "Another-Horse-8"}),
    ("delete", "/me", {"password": PASSWORD}),
    ("post", "/mfa/totp", {}),
]


@pytest.mark.parametrize("write", WRITES, ids=[path for _method, path, _body in WRITES])
@pytest.mark.usefixtures("bob")
def test_a_write_gets_503_with_retry_after(
    alice: User, sign_in: Callable[..., SignedIn], demote: Callable[[], None], write: tuple[str, str, dict[str, str]]
) -> None:
    method, path, body = write
    client = sign_in(alice).client
    demote()

    response = getattr(client, method)(path, body)

    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable"), response.content
    assert int(response.headers["Retry-After"]) >= 1
    assert User.objects.count() == 2


def test_a_refused_refresh_does_not_consume_its_token(
    alice: User, sign_in: Callable[..., SignedIn], demote: Callable[[], None]
) -> None:
    token = {"refreshToken": sign_in(alice).refresh}
    demote()

    assert ApiClient().post("/refresh", token).status_code == 503

    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[connection.vendor][1])
    assert ApiClient().post("/refresh", token).status_code == 200


def test_reads_still_work(alice: User, sign_in: Callable[..., SignedIn], demote: Callable[[], None]) -> None:
    client = sign_in(alice).client
    demote()

    assert client.get("/me").status_code == 200


def test_the_admin_gets_503_too(alice: User, demote: Callable[[], None]) -> None:
    User.objects.filter(id=alice.id).update(is_staff=True, is_superuser=True)
    browser = Client(raise_request_exception=False)
    demote()

    response = browser.post("/admin/login/", {"username": "alice", "password": PASSWORD})

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
