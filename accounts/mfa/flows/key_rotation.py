"""Brings secrets that an older key encrypted under the newest, so that the older one can be taken away."""

from dataclasses import dataclass

from accounts import encryption
from accounts.mfa.models import TotpFactor


@dataclass(slots=True, kw_only=True)
class Rotated:
    rewritten: int = 0
    current: int = 0
    unreadable: int = 0


def reencrypt() -> Rotated:
    """Safe beside traffic and beside itself: each row is written only over the very secret that was read."""
    found = Rotated()
    for user_id, sealed in TotpFactor.objects.values_list("user_id", "secret").iterator(chunk_size=500):
        owner = str(user_id)
        if encryption.is_current(sealed, owner=owner):
            found.current += 1
            continue
        try:
            fresh = encryption.encrypt(encryption.decrypt(sealed, owner=owner), owner=owner)
        except encryption.Unreadable:
            found.unreadable += 1
            continue
        found.rewritten += TotpFactor.objects.filter(user_id=user_id, secret=sealed).update(secret=fresh)
    return found
