"""Removal of passkeys: by their user, by an administrator, or by a claim of the account."""

from accounts.models import User
from accounts.passkeys.models import Passkey, PasskeyHandle
from accounts.services import account_claim


def remove_planted(user: User) -> None:
    """Remove what a former holder of a claimed account registered, and the handle, which their authenticators keep.

    Administrators and staff keep theirs: a mailbox must not be enough to become one. A superuser can remove them.
    """
    if account_claim.is_privileged(user):
        return
    Passkey.objects.filter(user=user).delete()
    PasskeyHandle.objects.filter(user=user).delete()
