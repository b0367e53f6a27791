"""Sessions of the version before the authentication context, and processes of that version during an upgrade."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_redis import get_redis_connection

from accounts.models import User
from accounts.testing.api_client import ApiClient, SignedIn
from core.ids import new_id
from sessions_tracking.models import Session
from sessions_tracking.principal_cache.entries import cache_key, decode
from sessions_tracking.principal_cache.lookup import get_principal

pytestmark = pytest.mark.django_db(transaction=True)

_COLUMNS = (
    "id", "user_id", "name", "data", "second_factor", "ip", "user_agent", "device", "browser", "os", "platform", "location",
    "created_at", "updated_at", "last_seen_at", "expires_at", "absolute_expires_at", "refresh_jti", "refresh_issued_at",
    "revoked_reason",
)  # fmt: skip

_MARKS = ", ".join(["%s"] * len(_COLUMNS))
_INSERT = f"INSERT INTO sessions_tracking_session ({', '.join(_COLUMNS)}) VALUES ({_MARKS})"  # noqa: S608 - constants


@pytest.fixture
def former_schema() -> Iterator[None]:
    MigrationExecutor(connection).migrate([("sessions_tracking", "0001_baseline")])
    yield
    call_command("migrate", verbosity=0)


def _insert_as_the_former_version(user: User, *, second_factor: bool, created_at: datetime) -> UUID:
    """Insert a session by the statement of the former version, which names no column that was added since."""
    session_id, jti = new_id(), uuid4()
    texts = ["203.0.113.7", "Mozilla/5.0", "Desktop", "Chrome", "Windows", "Windows 10", "Unknown"]
    expires_at = created_at + timedelta(days=7)
    times = [created_at] * 3 + [expires_at, created_at + timedelta(days=30)]
    ids = [connection.ops.adapt_datetimefield_value(time) for time in times]
    values = [_id(session_id), _id(user.id), "", "{}", second_factor, *texts, *ids, _id(jti), ids[0], ""]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
    return session_id


def _id(value: UUID) -> Any:
    return value if connection.features.has_native_uuid_field else value.hex


def test_existing_sessions_get_what_is_known_of_their_authentication(alice: User, former_schema: None) -> None:
    signed_in_at = datetime.now(UTC) - timedelta(days=2)
    with_password = _insert_as_the_former_version(alice, second_factor=False, created_at=signed_in_at)
    with_second_factor = _insert_as_the_former_version(alice, second_factor=True, created_at=signed_in_at)

    call_command("migrate", verbosity=0)

    contexts = {key: get_principal(key).context for key in (with_password, with_second_factor)}
    assert (contexts[with_password].amr, contexts[with_password].acr) == (("pwd",), "aal1")
    assert (contexts[with_second_factor].amr, contexts[with_second_factor].acr) == (("pwd", "mfa"), "aal2")
    assert {context.authenticated_at for context in contexts.values()} == {signed_in_at.replace(microsecond=0)}


def test_an_interrupted_migration_continues_without_changing_newer_contexts(alice: User, former_schema: None) -> None:
    """Between the two migrations, an existing session counts as authenticated long ago, and not as a recent proof."""
    now = datetime.now(UTC)
    session_id = _insert_as_the_former_version(alice, second_factor=True, created_at=now)
    stepped_up = _insert_as_the_former_version(alice, second_factor=False, created_at=now)
    call_command("migrate", "sessions_tracking", "0002", verbosity=0)
    assert Session.objects.get(id=session_id).authenticated_at.year == 1970
    later = now.replace(microsecond=0) + timedelta(minutes=1)
    Session.objects.filter(id=stepped_up).update(amr="pwd otp mfa", acr="aal2", authenticated_at=later)

    call_command("migrate", verbosity=0)

    assert Session.objects.get(id=session_id).authenticated_at == now
    assert Session.objects.get(id=stepped_up).context.authenticated_at == later


def test_a_session_of_a_process_of_the_former_version_counts_as_its_sign_in(alice: User) -> None:
    now = datetime.now(UTC)

    session_id = _insert_as_the_former_version(alice, second_factor=True, created_at=now)

    context = get_principal(session_id).context
    assert (context.amr, context.acr) == (("pwd",), "aal1")  # never more than the new version has checked itself
    assert abs(context.authenticated_at - now) < timedelta(seconds=10)
    assert context.authenticated_at.microsecond == 0


def test_a_rotation_by_the_former_version_keeps_the_context(signed_in: SignedIn, api: ApiClient) -> None:
    before = Session.objects.get().context
    rotated = "UPDATE sessions_tracking_session SET previous_refresh_jti = refresh_jti, refresh_jti = %s"
    with connection.cursor() as cursor:
        cursor.execute(rotated, [_id(uuid4())])
        cursor.execute("SELECT second_factor FROM sessions_tracking_session")
        assert not cursor.fetchone()[0]

    assert Session.objects.get().context == before


def test_a_process_of_the_former_version_reads_new_cache_entries(signed_in: SignedIn) -> None:
    """Its `decode` takes these three texts, and no `second_factor` for none."""
    signed_in.client.put("/me")
    entry = get_redis_connection("default").get(cache_key(UUID(signed_in.session_id)))

    principal = decode(entry, UUID(signed_in.session_id))

    assert principal is not None
    for text in (f'"user": "{signed_in.user.id}"', '"username": "alice"', '"role": "USER"'):
        assert text in entry.decode()
    assert b"second_factor" not in entry
