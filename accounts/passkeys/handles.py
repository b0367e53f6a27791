"""User handles: 64 bytes by which an authenticator knows the account. They contain nothing about the user."""

import secrets
import uuid

from django.utils.crypto import salted_hmac

from accounts.models import User
from accounts.passkeys.challenges import Challenge
from accounts.passkeys.models import USER_HANDLE_BYTES, PasskeyHandle


def get_or_create(user: User) -> bytes:
    """Return the user's handle. The caller holds the user's row."""
    handle, _created = PasskeyHandle.objects.get_or_create(
        user=user, defaults={"handle": secrets.token_bytes(USER_HANDLE_BYTES)}
    )
    return bytes(handle.handle)


def get(user: User) -> bytes:
    """Return the user's handle; or one that no authenticator has, for a user who has never asked to add a passkey.

    Reads `user.passkey_handle`.
    """
    try:
        return bytes(user.passkey_handle.handle)
    except PasskeyHandle.DoesNotExist:
        return _derive("placeholder", user.id)


def of_sign_up(challenge: Challenge) -> bytes:
    """Return the handle of an account that does not exist yet, so that the options of a sign-up store nothing."""
    return _derive("sign-up", challenge.id)


def owner_id(handle: bytes) -> uuid.UUID | None:
    """Return the id of the user who has the handle."""
    return PasskeyHandle.objects.filter(handle=handle).values_list("user_id", flat=True).first()


def _derive(purpose: str, row_id: uuid.UUID) -> bytes:
    return salted_hmac(f"vestibule.passkey-handle.{purpose}", row_id.bytes, algorithm="sha512").digest()
