"""The rate limit of each endpoint, and the headers about it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import OutboxEmail, User
from accounts.services import email_verification
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from core.redis.client import breaker
from core.throttling.rates import Limit

pytestmark = pytest.mark.usefixtures("limits_on")

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]
EVIL = {"Origin": "https://evil.example"}
HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"


def _codes(responses: Sequence[Any]) -> list[str]:
    return [str(response.json().get("code", "ok")) for response in responses]


def _register(number: int, address: str = HERE) -> Any:
    body = {"email": f"u{number}@example.com", "username": f"user-{number}", "password": PASSWORD}
    return ApiClient().post("/register", body, REMOTE_ADDR=address)


def _forget(email: str, address: str = HERE) -> Any:
    return ApiClient().post("/forgot-password", {"email": email}, REMOTE_ADDR=address)


def _after(**passed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**passed), tick=False)


def _headers(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("RateLimit")}


def test_a_success_reports_the_remaining_quota(api: ApiClient, alice: User) -> None:
    body = {"username": "alice", "password": PASSWORD}
    first, second = (api.post("/login", body) for _ in range(2))

    assert _headers(first) == {
        "RateLimit-Policy": '"login";q=30;w=60',
        "RateLimit": '"login";r=29;t=60',
        "RateLimit-Limit": "30",
        "RateLimit-Remaining": "29",
        "RateLimit-Reset": "60",
    }
    assert second["RateLimit-Remaining"] == "28"


def test_a_rejection_reports_when_to_retry(alice: User) -> None:
    responses = [ApiClient().post("/login", {"username": f"u{number}", "password": PASSWORD}) for number in range(32)]

    assert [response.status_code for response in responses] == [401] * 30 + [429] * 2
    refused = responses[-1]
    assert refused.json()["success"] is False
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused["RateLimit"] == f'"login";r=0;t={refused["Retry-After"]}'


def test_the_headers_report_the_tightest_of_several_limits(alice: User) -> None:
    responses = [ApiClient().post("/login", {"username": "alice", "password": "Wrong-Horse-7"}) for _ in range(6)]

    assert [response["RateLimit-Remaining"] for response in responses] == ["4", "3", "2", "1", "0", "0"]
    assert {response["RateLimit-Policy"] for response in responses} == {'"wrong-passwords";q=5;w=300'}
    assert [responses[index]["RateLimit-Reset"] for index in (0, 4)] == ["300", "30"]


def test_an_unlimited_endpoint_has_no_ratelimit_headers(alice: User, sign_in: SignIn) -> None:
    assert not _headers(sign_in(alice).client.get("/me"))


def test_cors_exposes_the_ratelimit_headers(api: ApiClient, alice: User, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

    response = api.post(
        "/login", {"username": "alice", "password": PASSWORD}, headers={"Origin": "https://app.example.com"}
    )

    exposed = response["Access-Control-Expose-Headers"].lower().split(", ")
    assert {*map(str.lower, _headers(response)), "retry-after"} <= set(exposed)


def test_an_ip_has_thirty_logins_a_minute_of_its_own(alice: User) -> None:
    body = {"username": "alice", "password": PASSWORD}
    codes = _codes([ApiClient().post("/login", body, REMOTE_ADDR=HERE) for _ in range(31)])

    assert codes == ["ok"] * 30 + ["rate_limited"]
    assert _codes([ApiClient().post("/login", body, REMOTE_ADDR=ELSEWHERE)]) == ["ok"]


def test_an_ip_has_twenty_registrations_an_hour(db: None) -> None:
    codes = _codes([_register(number) for number in range(21)])

    assert codes == ["ok"] * 20 + ["rate_limited"]
    assert User.objects.count() == 20
    assert _codes([_register(21, ELSEWHERE)]) == ["ok"]


def test_with_enumeration_prevented_an_owner_gets_five_emails_an_hour_about_registrations(
    alice: User, limits_on: Settings
) -> None:
    limits_on.PREVENT_ENUMERATION = True
    body = {"email": "alice@example.com", "password": PASSWORD}

    responses = [
        ApiClient().post("/register", body | {"username": f"user-{number}"}, REMOTE_ADDR=f"198.51.100.{number}")
        for number in range(8)
    ]

    assert [response.status_code for response in responses] == [201] * 8
    assert {response["RateLimit"] for response in responses} == {'"register";r=19;t=3600'}
    assert OutboxEmail.objects.filter(user=alice).count() == 5


def test_an_invalid_form_consumes_no_quota(api: ApiClient, db: None) -> None:
    for _ in range(25):
        assert api.post("/register", {"email": "no"}).status_code == 400

    assert _codes([_register(1, "127.0.0.1")]) == ["ok"]


def test_both_refresh_paths_share_sixty_refreshes_a_minute_per_session(
    api: ApiClient, alice: User, sign_in: SignIn
) -> None:
    token, other = sign_in(alice).refresh, sign_in(alice).refresh

    def refresh(path: str) -> Any:
        nonlocal token
        response = api.post(path, {"refreshToken": token})
        token = response.json()["data"]["tokens"]["refreshToken"] if response.status_code == 200 else token
        return response

    codes = _codes([refresh(("/refresh", "/refresh-token", "/refresh/")[number % 3]) for number in range(62)])

    assert codes == ["ok"] * 60 + ["rate_limited"] * 2
    assert _codes([api.post("/refresh-token", {"refreshToken": other})]) == ["ok"]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/refresh", {"refreshToken": "a.b.c"}), ("/reset-password", {"token": "x", "newPassword": "Another-Horse-8"})],
)
def test_invalid_tokens_are_limited_to_sixty_a_minute(
    api: ApiClient, db: None, path: str, body: dict[str, str]
) -> None:
    codes = _codes([api.post(path, body) for _ in range(61)])

    assert codes == ["token_invalid"] * 60 + ["rate_limited"]


def test_a_valid_reset_token_works_from_an_ip_that_exceeded_the_limit(
    api: ApiClient, alice: User, outbox: Outbox
) -> None:
    _forget("alice@example.com")
    for _ in range(61):
        api.post("/reset-password", {"token": "x", "newPassword": "Another-Horse-8"})

    response = api.post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": "Another-Horse-8"})

    assert response.status_code == 200


@pytest.mark.parametrize("method", ["post", "get"])
def test_email_verification_attempts_are_limited(api: ApiClient, bob: User, method: str) -> None:
    def guess(number: int) -> Any:
        values = {"email": f"u{number}@example.com", "code": "000000", "token": "x"}
        query = None if method == "post" else values
        return getattr(api, method)("/verify-email", values if method == "post" else None, query_params=query)

    codes = _codes([guess(number) for number in range(61)])

    assert "rate_limited" not in codes[:60]
    assert codes[60] == "rate_limited"


def test_a_reset_is_emailed_once_a_minute_for_any_spelling_of_the_email(alice: User, limits_on: Settings) -> None:
    assert _codes([_forget("alice@example.com")]) == ["ok"]

    for email in ("alice@example.com", "ALICE@example.com", " alice@example.com ", "alice@example.com."):
        response = _forget(email, ELSEWHERE)
        assert (response.status_code, 0 < int(response["Retry-After"]) <= 60) == (429, True)

    assert OutboxEmail.objects.count() == 1


def test_an_account_gets_five_reset_emails_an_hour_from_any_number_of_ips(alice: User, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_FORGOT = (Limit("forgot", 5, 3600),)

    codes = _codes([_forget("alice@example.com", f"198.51.100.{number}") for number in range(50)])

    assert codes == ["ok"] * 5 + ["rate_limited"] * 45
    assert OutboxEmail.objects.count() == 5
    assert _codes([_forget("mallory@example.com")]) == ["ok"]


def test_forgot_password_does_not_reveal_accounts(alice: User, bob: User) -> None:
    known, unverified, unknown = (
        [_forget(f"{name}@example.com", address) for _ in range(3)]
        for name, address in (("alice", "192.0.2.1"), ("bob", "192.0.2.2"), ("unknown", "192.0.2.3"))
    )

    for responses in (unverified, unknown):
        assert [response.content for response in responses] == [response.content for response in known]
        assert [_headers(response) for response in responses] == [_headers(response) for response in known]


def test_a_code_is_resent_once_a_minute_for_any_spelling_of_the_email(api: ApiClient, bob: User) -> None:
    first = api.post("/resend-verification", {"email": "Bob@example.com"})
    assert first["RateLimit"] == '"resend-pause";r=0;t=60'

    for email in ("bob@example.com", " bob@example.com ", "bob@example.com.", "\uff22\uff2f\uff22@example.com"):
        response = api.post("/resend-verification", {"email": email})
        assert (_codes([response]), 0 < int(response["Retry-After"]) <= 60) == (["rate_limited"], True)

    assert OutboxEmail.objects.filter(kind="verify_email").count() == 1


def test_a_code_is_resent_five_times_an_hour(api: ApiClient, bob: User) -> None:
    codes = []
    for minute in range(7):
        with _after(minutes=1.1 * minute):
            codes += _codes([api.post("/resend-verification", {"email": "bob@example.com"})])

    assert codes == ["ok"] * 5 + ["rate_limited"] * 2
    assert OutboxEmail.objects.filter(kind="verify_email").count() == 5


def test_new_codes_allow_no_more_than_ten_attempts_an_hour(
    api: ApiClient, bob: User, outbox: Outbox, limits_on: Settings
) -> None:
    limits_on.RESEND_PAUSE = timedelta(0)

    def guess(code: str = "000000") -> str:
        return _codes([api.post("/verify-email", {"email": "bob@example.com", "code": code})])[0]

    codes = []
    for _ in range(4):
        api.post("/resend-verification", {"email": "Bob@Example.com"})
        codes += [guess() for _ in range(4)]

    assert codes == ["code_invalid"] * 10 + ["too_many_attempts"] * 6
    right = code_in(outbox()[-1])
    assert guess(right) == "too_many_attempts"
    assert not User.objects.get().email_verified
    with _after(minutes=61):
        api.post("/resend-verification", {"email": "bob@example.com"})
        assert guess(code_in(outbox()[-1])) == "ok"


def test_exhausted_code_attempts_do_not_block_the_link(api: ApiClient, bob: User, outbox: Outbox) -> None:
    api.post("/resend-verification", {"email": "bob@example.com"})
    for _ in range(2):
        for _ in range(5):
            api.post("/verify-email", {"email": "bob@example.com", "code": "000000"})
        email_verification.reset_attempts("bob@example.com")  # as a new code does

    response = api.post("/verify-email", {"email": "bob@example.com", "code": code_in(outbox()[-1])})
    assert (response.status_code, 60 < int(response["Retry-After"]) <= 3600) == (429, True)

    link = {"email": "bob@example.com", "token": token_in(outbox()[-1])}
    assert api.get("/verify-email", query_params=link).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/forgot-password", {"email": "bob@example.com"}),
        ("/resend-verification", {"email": "bob@example.com"}),
        ("/register", {"email": "eve@example.com", "username": "eve", "password": PASSWORD}),
        ("/login", {"username": "alice", "password": PASSWORD}),
    ],
)
def test_a_page_of_another_site_cannot_send_emails_or_sign_in(
    alice: User, bob: User, limits_on: Settings, path: str, body: dict[str, str]
) -> None:
    api = ApiClient()
    limits_on.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

    for headers in (EVIL, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        response = api.post(path, body, headers=headers)
        assert (response.status_code, _codes([response])) == (403, ["origin_not_allowed"])
    assert not OutboxEmail.objects.exists()
    assert User.objects.count() == 2
    assert api.post(path, body, headers={"Origin": "https://app.example.com"}).status_code < 300


def test_without_redis_each_process_counts_locally(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "pause", 60)
    breaker.record_failure()

    assert _codes([_register(number) for number in range(21)]) == ["ok"] * 20 + ["rate_limited"]
    assert _codes([_forget("alice@example.com") for _ in range(2)]) == ["ok", "rate_limited"]


def test_limits_are_configurable_and_can_be_switched_off(alice: User, limits_on: Settings) -> None:
    body = {"username": "alice", "password": PASSWORD}
    limits_on.RATE_LIMIT_LOGIN = (Limit("login-60", 2, 60), Limit("login-3600", 3, 3600))
    assert _codes([ApiClient().post("/login", body) for _ in range(3)]) == ["ok", "ok", "rate_limited"]

    limits_on.RATE_LIMIT_LOGIN = ()
    assert _codes([ApiClient().post("/login", body) for _ in range(40)]) == ["ok"] * 40

    limits_on.RATE_LIMITS = False
    assert not _headers(ApiClient().post("/login", body))
