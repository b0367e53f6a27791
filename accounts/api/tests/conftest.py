"""Fixtures of the tests of the API."""

import pytest
from django.core.mail import EmailMessage

from accounts.api.tests.email_verification import REGISTRATION, Outbox
from accounts.testing.api_client import ApiClient


@pytest.fixture
def message(api: ApiClient, db: None, outbox: Outbox) -> EmailMessage:
    """Return the verification email of eve, who has just registered."""
    assert api.post("/register", REGISTRATION).status_code == 201
    return outbox()[-1]
