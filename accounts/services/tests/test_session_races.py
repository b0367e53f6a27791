"""An authenticated request changes nothing after a take-over has revoked its session.

Another connection holds the row of the user for the take-over, and commits while the service waits for the row.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from pytest_django import Settings

from accounts.mfa.flows import enrolment
from accounts.models import EmailChange, User
from accounts.passwords import hashing
from accounts.services import account_claim, email_change, profile
from accounts.testing.api_client import PASSWORD, SignedIn
from accounts.testing.authentication_context import principal
from core.api.exceptions import ApiError
from tests.contract.test_lock_order import CLIENT, wait_for_lock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks"),
]

Write = Callable[[SignedIn], object]


def _rename(signed_in: SignedIn) -> object:
    changes = {"first_name": "Planted", "username": "planted"}
    return profile.update(user_id=signed_in.user.id, session_id=uuid.UUID(signed_in.session_id), changes=changes)


def _change_email(signed_in: SignedIn) -> None:
    email_change.request(
        principal=principal(signed_in),
        new_email="mallory@evil.example",
        password=PASSWORD,
        client=CLIENT,
    )


def _start_totp(signed_in: SignedIn) -> object:
    return enrolment.start(user_id=signed_in.user.id, session_id=uuid.UUID(signed_in.session_id))


def _delete(signed_in: SignedIn) -> None:
    profile.delete(principal=principal(signed_in), password=PASSWORD)


@pytest.mark.parametrize(
    ("write", "with_new_password"),
    [
        (_rename, True), (_rename, False), (_change_email, True), (_change_email, False), (_start_totp, True),
        (_start_totp, False), (_delete, True),
    ],
)  # fmt: skip
def test_a_write_blocked_by_a_take_over_changes_nothing(
    bob: User, sign_in: Callable[..., SignedIn], settings: Settings, write: Write, with_new_password: bool
) -> None:
    settings.EMAIL_VERIFICATION = "optional"
    signed_in = sign_in(bob)

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            User.objects.select_for_update().get(id=bob.id)
            if with_new_password:
                User.objects.filter(id=bob.id).update(password=hashing.make("Another-Horse-8"))
            account_claim.claim_if_unproven(bob, keep_password=True)
            waiting = threads.submit(write, signed_in)
            wait_for_lock(waiting)
        error = waiting.exception(timeout=20)
        threads.submit(connections.close_all).result()

    assert isinstance(error, ApiError), error
    stored = User.objects.get(id=bob.id)
    assert (stored.first_name, stored.username == "planted", stored.email) == ("", False, "bob@example.com")
    assert not hasattr(stored, "totp_factor")
    assert not EmailChange.objects.exists()
