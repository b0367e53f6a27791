"""Passkeys that are in the database without a registration, for tests that do not use them."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from accounts.models import User
from accounts.passkeys import handles
from accounts.passkeys.models import Passkey


def store_passkey(user: User, **values: Any) -> Passkey:
    handles.get_or_create(user)
    defaults: dict[str, Any] = {
        "credential_id": secrets.token_bytes(32),
        "public_key": b"",
        "sign_count": 0,
        "aaguid": uuid.UUID(int=0),
        "backup_eligible": True,
        "backed_up": True,
        "name": "Passkey",
        "created_at": datetime.now(UTC),
    }
    return Passkey.objects.create(user=user, **(defaults | values))
