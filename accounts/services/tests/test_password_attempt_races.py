"""Concurrent guesses against two processes with ten threads each, and limits without Redis."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import OutboxEmail
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import log_in, me, refresh, signed_in, someone
from core.testing import faulty_redis, live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer

WRONG = "Wrong-Horse-7"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("guesses")
    with live_database.in_use(folder, django_db_blocker):
        yield folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LiveServer]:
    limits = {"RATE_LIMITS": "on", "RATE_LIMIT_LOGIN": "off", "RATE_LIMIT_ANONYMOUS": "off"}
    variables = limits | {"DJANGO_SETTINGS_MODULE": "accounts.testing.patient_redis_settings"}
    with live_server.running(folder, **variables) as running:
        yield running


def _codes(responses: list[ApiResponse]) -> Counter[str]:
    return Counter(response.code for response in responses)


def _guess(username: str, password: str = WRONG) -> ApiRequest:
    return ApiRequest("POST", "/login", {"username": username, "password": password})


def test_five_of_a_hundred_concurrent_guesses_are_checked(server: LiveServer) -> None:
    for name in (someone().username, "unknown"):
        responses = server.send_at_once([_guess(name)] * 100)

        assert _codes(responses) == {"invalid_credentials": 5, "rate_limited": 95}


def test_the_correct_password_among_a_hundred_guesses_is_not_revealed(server: LiveServer) -> None:
    user = someone()
    tokens = signed_in(server, user)
    server.send_at_once([_guess(user.username)] * 10)

    responses = server.send_at_once([_guess(user.username, PASSWORD)] * 30 + [_guess(user.username)] * 70)

    assert _codes(responses) == {"rate_limited": 100}
    assert server.send(me(tokens.access)).status == 200
    assert server.send(refresh(tokens.refresh)).status == 200


def test_concurrent_correct_passwords_lock_no_account(server: LiveServer) -> None:
    user = someone()

    responses = server.send_at_once([log_in(user)] * 20)

    codes = _codes(responses)
    assert codes["ok"] >= 5
    assert codes["ok"] + codes["rate_limited"] == 20
    assert {response.headers["Retry-After"] for response in responses if response.code == "rate_limited"} <= {"1"}
    assert server.send(log_in(user)).status == 200


def test_one_of_fifty_concurrent_reset_requests_is_emailed(server: LiveServer) -> None:
    user = someone()

    responses = server.send_at_once([ApiRequest("POST", "/forgot-password", {"email": user.email})] * 50)

    assert _codes(responses) == {"ok": 1, "rate_limited": 49}
    assert OutboxEmail.objects.filter(kind="reset_password", recipient=user.email).count() == 1


def test_five_of_fifty_concurrent_wrong_codes_are_checked(server: LiveServer) -> None:
    user = someone(verified=False)
    guess = ApiRequest("POST", "/verify-email", {"email": user.email, "code": "000000"})

    assert _codes(server.send_at_once([guess] * 50)) == {"code_invalid": 5, "too_many_attempts": 45}


def test_an_untrusted_client_cannot_forge_its_ip(server: LiveServer) -> None:
    username = someone().username
    guesses = [_guess_behind_a_proxy(username, f"203.0.113.{number}") for number in range(6)]

    codes = [server.send_bytes(guess).code for guess in guesses]

    assert codes == ["invalid_credentials"] * 5 + ["rate_limited"]


def test_behind_a_trusted_proxy_clients_are_counted_by_their_own_ip(folder: Path) -> None:
    with live_server.running(folder, RATE_LIMITS="on", TRUSTED_PROXIES="127.0.0.1", WEB_WORKERS="1") as server:
        user = someone()

        def guess_from(ip: str) -> str:
            return server.send_bytes(_guess_behind_a_proxy(user.username, f"192.0.2.66, {ip}")).code

        network = [guess_from(f"2001:db8:1:2:{number}::1") for number in range(6)]
        mapped = [guess_from(ip) for ip in ("198.51.100.7", "::ffff:198.51.100.7") * 3]

        assert network == mapped == ["invalid_credentials"] * 5 + ["rate_limited"]
        assert guess_from("2001:db8:1:3::1") == "invalid_credentials"


def _guess_behind_a_proxy(username: str, forwarded_for: str) -> bytes:
    body = f'{{"username": "{username}", "password": "{WRONG}"}}'
    head = f"Host: localhost\r\nX-Forwarded-For: {forwarded_for}\r\nContent-Type: application/json\r\nConnection: close"
    return f"POST /api/auth/login HTTP/1.1\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_the_limits_hold_after_redis_is_killed(folder: Path) -> None:
    with faulty_redis.running() as redis:
        variables = {"RATE_LIMITS": "on", "REDIS_URL": redis.url, "RATE_LIMIT_LOGIN": "20/m", "WEB_WORKERS": "1"}
        with live_server.running(folder, **variables) as server:
            user = someone()
            assert server.send(_guess(user.username)).code == "invalid_credentials"
            redis.kill()

            responses = server.send_at_once([_guess(user.username)] * 30)
            others = server.send_at_once([_guess(f"u{number}") for number in range(30)])

    assert _codes(responses) == {"invalid_credentials": 5, "rate_limited": 25}
    assert _codes(others) == {"invalid_credentials": 15, "rate_limited": 15}
