"""Metrics count each login, refresh, revocation and email once, by result, and only after the commit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.db import transaction
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts import audit
from accounts.models import AuditKind, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from core.metrics.registry import REGISTRY
from core.redis.client import breaker
from core.throttling.rates import Limit

SignIn = Callable[..., SignedIn]


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"vestibule_{name}", labels) or 0.0


@contextmanager
def assert_counted(name: str, *, by: float = 1, **labels: str) -> Iterator[None]:
    before = value(name, **labels)
    yield
    assert value(name, **labels) - before == by


@pytest.mark.parametrize(
    ("username", "password", "result"),
    [("alice", PASSWORD, "ok"), ("alice", "Wrong-Horse-7", "wrong_password"), ("unknown", PASSWORD, "unknown_account"),
     ("bob", PASSWORD, "email_not_verified")],
)  # fmt: skip
@pytest.mark.usefixtures("alice", "bob")
def test_a_login_is_counted_by_result(api: ApiClient, username: str, password: str, result: str) -> None:
    with assert_counted("logins_total", result=result), assert_counted("hashes_running", by=0):
        api.post("/login", {"username": username, "password": password})


def test_a_refresh_is_counted_by_result(api: ApiClient, alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)

    with assert_counted("refreshes_total", result="ok"), assert_counted("refreshes_total", result="token_invalid"):
        api.post("/refresh", {"refreshToken": signed_in.refresh})
        api.post("/refresh", {"refreshToken": "garbage"})


def test_reuse_is_counted_once_and_revokes_one_session(
    api: ApiClient, alice: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.REFRESH_REUSE_GRACE = timedelta(0)
    signed_in = sign_in(alice)
    api.post("/refresh", {"refreshToken": signed_in.refresh})

    with assert_counted("refresh_reuse_total"), assert_counted("sessions_revoked_total", reason="refresh_reused"):
        api.post("/refresh", {"refreshToken": signed_in.refresh})
        api.post("/refresh", {"refreshToken": signed_in.refresh})


def test_only_the_first_of_two_logouts_revokes_the_session(alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)

    with assert_counted("sessions_revoked_total", reason="logout"):
        signed_in.client.post("/logout")
        signed_in.client.post("/logout")


def test_a_logout_everywhere_counts_each_revoked_session(alice: User, sign_in: SignIn) -> None:
    sign_in(alice)

    with assert_counted("sessions_revoked_total", by=2, reason="logout_all"):
        sign_in(alice).client.post("/logout-all")


def test_cache_lookups_are_counted_as_hit_miss_or_unavailable(alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)

    for result, prepare in (
        ("miss", get_redis_connection("default").flushdb),
        ("hit", bool),
        ("unavailable", breaker.record_failure),
    ):
        prepare()
        with assert_counted("principal_cache_total", result=result):
            signed_in.client.put("/me")


def test_rejected_requests_are_counted_by_limit(api: ApiClient, db: None, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_LOGIN = (Limit("login", 2, 60),)

    with assert_counted("rate_limited_total", by=3, limit="login"):
        for number in range(5):
            api.post("/login", {"username": f"unknown-{number}", "password": "x"})


@pytest.mark.django_db(transaction=True)
def test_rolled_back_events_are_not_counted(alice: User) -> None:
    with assert_counted("audit_events_total", by=0, kind="profile_changed"), transaction.atomic():
        audit.record(AuditKind.PROFILE_CHANGED, user_id=alice.id)
        transaction.set_rollback(True)


def test_emails_are_counted_by_result(
    api: ApiClient, bob: User, outbox: Callable[[], list[EmailMessage]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with assert_counted("emails_total", result="sent"):
        api.post("/resend-verification", {"email": bob.email})
        outbox()

    monkeypatch.setattr("accounts.mail.delivery._send", _refuse)
    with assert_counted("emails_total", result="retried"):
        api.post("/resend-verification", {"email": bob.email})
        outbox()


def _refuse(_email: object) -> None:
    raise OSError
