"""The list of a user's passkeys, their names, and what a page tells the browser about them."""

import uuid
from dataclasses import dataclass

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.passkeys import handles
from accounts.passkeys.flows import owner
from accounts.passkeys.models import Passkey, PasskeyAuditKind
from core.api.exceptions import NotFound, SessionRevoked


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyList:
    """`handle` is the user handle that the user's authenticators have."""

    user: User
    handle: bytes
    passkeys: list[Passkey]


def list_passkeys(*, user_id: uuid.UUID) -> PasskeyList:
    """Return the user's passkeys, the newest first. Raises SessionRevoked if the user is deleted or inactive."""
    user = User.objects.filter(id=user_id, is_active=True).select_related("passkey_handle").first()
    if user is None:
        raise SessionRevoked
    passkeys = list(Passkey.objects.filter(user=user).order_by("-created_at", "-id"))
    return PasskeyList(user=user, handle=handles.get(user), passkeys=passkeys)


def rename(*, user_id: uuid.UUID, session_id: uuid.UUID, passkey_id: uuid.UUID, name: str) -> Passkey:
    """Raises NotFound, for another user's passkey too; SessionRevoked."""
    with transaction.atomic():
        user = owner.lock(user_id=user_id, session_id=session_id)
        passkey = Passkey.objects.filter(user=user, id=passkey_id).first()
        if passkey is None:
            raise NotFound
        if passkey.name != name:
            passkey.name = name
            passkey.save(update_fields=["name"])
            _record_rename(passkey, session_id)
    return passkey


def _record_rename(passkey: Passkey, session_id: uuid.UUID) -> None:
    audit.record(
        PasskeyAuditKind.RENAMED,
        user_id=passkey.user_id,
        actor_id=passkey.user_id,
        session_id=session_id,
        facts={"passkey": str(passkey.id), "name": passkey.name},
    )
