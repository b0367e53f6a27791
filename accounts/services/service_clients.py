"""Service clients: other services that introspect tokens, identified by id and secret."""

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts import audit
from accounts.exceptions import InvalidClient
from accounts.models import AuditKind, ServiceClient
from accounts.tokens.signing import hmac_hexdigest
from core.api.exceptions import NotFound
from core.ids import parse_id

_SECRET_BYTES = 32
_LAST_USED_INTERVAL = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    client_id: str
    secret: str


def create(*, name: str) -> tuple[ServiceClient, str]:
    """Return the client and its secret, of which only a hash is stored. Raises ValidationError for an invalid name."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    client = ServiceClient(name=name, created_at=datetime.now(UTC))
    client.secret_hash = _hash(client.id, secret)
    client.full_clean()
    with transaction.atomic():
        client.save(force_insert=True)
        _record(client, "created", actor_id=None)
    return client, secret


def change(*, actor_id: uuid.UUID, client_id: uuid.UUID, name: str, is_active: bool) -> None:
    """Rename, activate or deactivate the client, from its next request on. Raises NotFound."""
    with transaction.atomic():
        before = ServiceClient.objects.select_for_update().filter(id=client_id).first()
        if before is None:
            raise NotFound
        if (before.name, before.is_active) == (name, is_active):
            return
        ServiceClient.objects.filter(id=client_id).update(name=name, is_active=is_active)
        change_kind = "changed" if before.is_active == is_active else "activated" if is_active else "deactivated"
        former = {"formerly": before.name} if before.name != name else {}
        before.name = name
        _record(before, change_kind, actor_id=actor_id, **former)


def delete(*, actor_id: uuid.UUID, client_id: uuid.UUID) -> None:
    with transaction.atomic():
        client = ServiceClient.objects.select_for_update().filter(id=client_id).first()
        if client is None:
            raise NotFound
        _record(client, "deleted", actor_id=actor_id)
        client.delete()


def _record(client: ServiceClient, change_kind: str, *, actor_id: uuid.UUID | None, **extra: str) -> None:
    facts = {"what": change_kind, "client": str(client.id), "name": client.name} | extra
    audit.record(AuditKind.SERVICE_CLIENT_CHANGED, user_id=None, actor_id=actor_id, facts=facts)


def authenticate(credentials: ClientCredentials | None) -> ServiceClient:
    """Return the active client with these credentials. Raises InvalidClient.

    A random secret of 256 bits cannot be guessed, so a fast keyed hash is enough for one check per request.
    """
    client_id = parse_id(credentials.client_id) if credentials else None
    client = ServiceClient.objects.filter(id=client_id, is_active=True).first() if client_id else None
    if client is None or credentials is None:
        raise InvalidClient
    if not hmac.compare_digest(client.secret_hash, _hash(client.id, credentials.secret)):
        raise InvalidClient
    _record_use(client)
    return client


def _hash(client_id: uuid.UUID, secret: str) -> str:
    return hmac_hexdigest("service-client.secret", str(client_id), secret)


def _record_use(client: ServiceClient) -> None:
    """Write `last_used_at` at most once an hour, so that introspection needs no write."""
    now = datetime.now(UTC)
    if client.last_used_at is None or client.last_used_at < now - _LAST_USED_INTERVAL:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _LAST_USED_INTERVAL)
        ServiceClient.objects.filter(stale, id=client.id).update(last_used_at=now)
