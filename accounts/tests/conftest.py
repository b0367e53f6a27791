"""Who administers in the tests: carol, and grace above her."""

import pytest
from django.utils import timezone

from accounts.models import Role, User
from conftest import PASSWORD


@pytest.fixture
def admin(db: None) -> User:
    """carol administers, and has no part in Django's own admin."""
    rights = {"role": Role.ADMIN, "email_verified_at": timezone.now()}
    return User.objects.create_user("carol", "carol@example.com", PASSWORD, **rights)


@pytest.fixture
def superuser(db: None) -> User:
    """grace stands above carol."""
    return User.objects.create_superuser("grace", "grace@example.com", PASSWORD)
