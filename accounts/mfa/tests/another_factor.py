"""A second factor beside the authenticator app, as another capability would register it: a stand-in for passkeys."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import transaction

from accounts.api.serializers.fields import OneTimeCode
from accounts.models import AuditEvent, User
from accounts.registries import SECOND_FACTORS, SecondFactor
from accounts.services import second_factors
from core.api import validation
from core.ids import parse_id

KIND = "another_factor"  # its rows are events of this kind, so that it needs no table

ANOTHER_FACTOR = SecondFactor(
    name="another",
    field="anotherCode",
    field_class=OneTimeCode,
    sample="123456",
    sample_title="Code of another factor",
    parse=lambda _text: None,
    rows=lambda user_id: AuditEvent.objects.filter(user_id=user_id, kind=KIND),
    verify=lambda _attempt: ("hwk",),
)


@contextmanager
def registered() -> Iterator[None]:
    """Forms are built once from the registered factors: build them anew."""
    SECOND_FACTORS.register(ANOTHER_FACTOR)
    validation._form.cache_clear()
    try:
        yield
    finally:
        del SECOND_FACTORS._entries[ANOTHER_FACTOR.name]
        validation._form.cache_clear()


def add(user: User, *, session_id: str) -> list[str]:
    """Add the factor as a capability does. Return the recovery codes if it is the user's first one."""
    parsed = parse_id(session_id)
    assert parsed is not None
    with transaction.atomic():
        User.objects.select_for_update().get(id=user.id)
        AuditEvent.objects.create(kind=KIND, user_id=user.id, created_at=datetime.now(UTC))
        return second_factors.added(user_id=user.id, session_id=parsed, amr="hwk")


def remove(user: User) -> bool:
    """Remove the factor as a capability does. Return whether it was the last one."""
    with transaction.atomic():
        User.objects.select_for_update().get(id=user.id)
        AuditEvent.objects.filter(user_id=user.id, kind=KIND).delete()
        return second_factors.removed(user_id=user.id)
