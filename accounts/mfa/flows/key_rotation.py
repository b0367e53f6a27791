"""Re-encryption of secrets with the newest key, so that an older key can be removed from MFA_ENCRYPTION_KEYS."""

from dataclasses import dataclass

from accounts import encryption
from accounts.mfa.models import TotpFactor


@dataclass(slots=True, kw_only=True)
class Reencrypted:
    """The number of secrets that were rewritten, were under the newest key already, and could be read with no key."""

    rewritten: int = 0
    current: int = 0
    unreadable: int = 0


def reencrypt() -> Reencrypted:
    """Re-encrypt all secrets. Safe beside traffic and other runs: each row is written only if its secret is unchanged."""
    result = Reencrypted()
    for user_id, encrypted in TotpFactor.objects.values_list("user_id", "secret").iterator(chunk_size=500):
        owner = str(user_id)
        if encryption.is_current(encrypted, owner=owner):
            result.current += 1
            continue
        try:
            secret = encryption.encrypt(encryption.decrypt(encrypted, owner=owner), owner=owner)
        except encryption.Unreadable:
            result.unreadable += 1
            continue
        result.rewritten += TotpFactor.objects.filter(user_id=user_id, secret=encrypted).update(secret=secret)
    return result
