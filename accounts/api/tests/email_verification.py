"""Requests that verify an email, for the tests of codes, links and resends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.core.mail import EmailMessage

from accounts.models import OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient

Outbox = Callable[[], list[EmailMessage]]

EMAIL = "eve@example.com"
REGISTRATION = {"email": EMAIL, "username": "eve", "password": PASSWORD}


def is_verified() -> bool:
    return User.objects.get(email_key=EMAIL).email_verified


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def send_code(api: ApiClient, code: Any, email: str = EMAIL) -> tuple[int, str]:
    response = api.post("/verify-email", {"email": email, "code": code})
    return response.status_code, response.json().get("code", "")


def open_link(api: ApiClient, token: str, email: str = EMAIL, **headers: str) -> tuple[int, str]:
    query = {"token": token, "email": email}
    response = api.get("/verify-email", query_params=query, headers={"Accept": "*/*"} | headers)
    return response.status_code, response.json().get("code", "")


def email_kinds() -> list[str]:
    return list(OutboxEmail.objects.order_by("id").values_list("kind", flat=True))


def after(**elapsed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**elapsed), tick=False)
