"""Users who have passkeys."""

from collections.abc import Callable

import pytest

from accounts.models import User
from accounts.passkeys.testing.passkey_client import UserWithPasskey, with_passkey
from accounts.testing.api_client import SignedIn


@pytest.fixture
def alice_with_passkey(alice: User, sign_in: Callable[..., SignedIn]) -> UserWithPasskey:
    """alice, who has added a passkey that is synced and does not count its uses."""
    return with_passkey(sign_in(alice))


@pytest.fixture
def mallory_with_passkey(mallory: User, sign_in: Callable[..., SignedIn]) -> UserWithPasskey:
    return with_passkey(sign_in(mallory))
