"""Services that ask about tokens: made by a command, known by id and secret."""

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts import audit
from accounts.exceptions import InvalidClient
from accounts.keyed_hash import hmac_hexdigest
from accounts.models import AuditKind, ServiceClient
from core.api.exceptions import NotFound
from core.ids import parse_id

_SECRET_BYTES = 32
_NOTE_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    client_id: str
    secret: str


def create(*, name: str) -> tuple[ServiceClient, str]:
    """The client, and its secret, which nobody can show again. Raises Django's ValidationError for a name that cannot be one."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    client = ServiceClient(name=name, created_at=datetime.now(UTC))
    client.secret_hash = _hash(client.id, secret)
    client.full_clean()
    with transaction.atomic():
        client.save(force_insert=True)
        _record(client, "created", actor_id=None)
    return client, secret


def change(*, actor_id: uuid.UUID, client_id: uuid.UUID, name: str, is_active: bool) -> None:
    """Renames it, or lets it in or not, from its next request on. Raises NotFound."""
    with transaction.atomic():
        before = ServiceClient.objects.select_for_update().filter(id=client_id).first()
        if before is None:
            raise NotFound
        if (before.name, before.is_active) == (name, is_active):
            return
        ServiceClient.objects.filter(id=client_id).update(name=name, is_active=is_active)
        what = "changed" if before.is_active == is_active else "activated" if is_active else "deactivated"
        former = {"formerly": before.name} if before.name != name else {}
        before.name = name
        _record(before, what, actor_id=actor_id, **former)


def delete(*, actor_id: uuid.UUID, client_id: uuid.UUID) -> None:
    with transaction.atomic():
        client = ServiceClient.objects.select_for_update().filter(id=client_id).first()
        if client is None:
            raise NotFound
        _record(client, "deleted", actor_id=actor_id)
        client.delete()


def _record(client: ServiceClient, what: str, *, actor_id: uuid.UUID | None, **more: str) -> None:
    facts = {"what": what, "client": str(client.id), "name": client.name} | more
    audit.record(AuditKind.SERVICE_CLIENT_CHANGED, user_id=None, actor_id=actor_id, facts=facts)


def authenticate(credentials: ClientCredentials | None) -> ServiceClient:
    """The active client whose secret this is. Raises InvalidClient, whatever was wrong.

    No slow hash is needed where nobody can guess, and none would stand the traffic.
    """
    client_id = parse_id(credentials.client_id) if credentials else None
    client = ServiceClient.objects.filter(id=client_id, is_active=True).first() if client_id else None
    if client is None or credentials is None:
        raise InvalidClient
    if not hmac.compare_digest(client.secret_hash, _hash(client.id, credentials.secret)):
        raise InvalidClient
    _note_use(client)
    return client


def _hash(client_id: uuid.UUID, secret: str) -> str:
    return hmac_hexdigest("service-client.secret", str(client_id), secret)


def _note_use(client: ServiceClient) -> None:
    """At most once an hour, so that asking about a token stays a reading affair."""
    now = datetime.now(UTC)
    if client.last_used_at is None or client.last_used_at < now - _NOTE_PAUSE:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTE_PAUSE)
        ServiceClient.objects.filter(stale, id=client.id).update(last_used_at=now)
