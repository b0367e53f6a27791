"""Services that ask about tokens: made by a command, known by id and secret."""

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from accounts.exceptions import InvalidClient
from accounts.keyed_hash import hexdigest
from accounts.models import ServiceClient
from config.ids import parse_id

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
    client.save(force_insert=True)
    return client, secret


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
    return hexdigest("service-client.secret", str(client_id), secret)


def _note_use(client: ServiceClient) -> None:
    """At most once an hour, so that asking about a token stays a reading affair."""
    now = datetime.now(UTC)
    if client.last_used_at is None or client.last_used_at < now - _NOTE_PAUSE:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTE_PAUSE)
        ServiceClient.objects.filter(stale, id=client.id).update(last_used_at=now)
