"""MAX_CODE_TRIES limits the attempts at emailed codes, and the wrong codes of one login with a second factor."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import WRONG_RECOVERY_CODE, UserWithTotp, verify
from core.paths import BASE_DIR


@pytest.fixture(autouse=True)
def two_attempts(settings: Settings) -> None:
    settings.MAX_CODE_TRIES = 2


def test_it_limits_verification_codes(bob: User, api: ApiClient) -> None:
    body = {"email": bob.email, "code": "000000"}

    assert [api.post("/verify-email", body).status_code for _ in range(3)] == [400, 400, 429]


def test_it_limits_email_change_codes(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    client = sign_in(alice).client
    client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})

    statuses = [client.post("/change-email/confirm", {"code": "000000"}).status_code for _ in range(3)]

    assert statuses == [400, 400, 429]


def test_it_limits_the_wrong_codes_of_one_login(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending()
    codes = [verify(token, recoveryCode=WRONG_RECOVERY_CODE).json()["code"] for _ in range(3)]

    assert codes == ["code_invalid", "code_invalid", "token_invalid"]


def test_no_other_module_reads_it() -> None:
    readers = {
        str(file.relative_to(BASE_DIR))
        for folder in ("accounts", "config", "core", "sessions_tracking")
        for file in (BASE_DIR / folder).rglob("*.py")
        if "settings.MAX_CODE_TRIES" in file.read_text() and "tests" not in file.parts
    }

    assert readers == {
        "accounts/verification/code_attempts.py",
        "accounts/services/pending_logins.py",
    }
