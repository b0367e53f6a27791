"""Who administers in the tests: carol, and grace above her; alice with a second factor; and what a request costs."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Role, User
from accounts.tests.second_factor import WithFactor, enrol
from accounts.tests.work import Measure, measuring
from conftest import PASSWORD, SignedIn


@pytest.fixture
def admin(db: None) -> User:
    """carol administers, and has no part in Django's own admin."""
    rights = {"role": Role.ADMIN, "email_verified_at": timezone.now()}
    return User.objects.create_user("carol", "carol@example.com", PASSWORD, **rights)


@pytest.fixture
def superuser(db: None) -> User:
    """grace stands above carol."""
    return User.objects.create_superuser("grace", "grace@example.com", PASSWORD)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still, between two codes of an authenticator app; `clock.shift(30)` brings the next one."""
    step = int(datetime.now(UTC).timestamp()) // 30
    with time_machine.travel(step * 30 + 15, tick=False) as traveller:
        yield traveller


@pytest.fixture
def her(alice: User, sign_in: Callable[..., SignedIn], clock: time_machine.Traveller) -> WithFactor:
    """alice, who has an authenticator app, and the session in which she added it. The clock stands still."""
    return enrol(sign_in(alice))


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Measure:
    """`measure(call)` is the SQL and the Redis commands that the call costs."""
    return measuring(monkeypatch)
