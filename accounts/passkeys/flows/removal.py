"""Removal of passkeys: by their user, by an administrator, or by a claim of the account."""

import uuid

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.exceptions import CannotDemoteSelf, LastSignInMethod
from accounts.models import User
from accounts.passkeys import emails
from accounts.passkeys.flows import owner
from accounts.passkeys.models import Passkey, PasskeyAuditKind, PasskeyHandle
from accounts.services import account_claim, second_factors, sign_in_methods
from core.api.exceptions import NotFound
from sessions_tracking.client_info import ClientInfo

METHOD = "passkey"


def remove(*, user_id: uuid.UUID, session_id: uuid.UUID, passkey_id: uuid.UUID, client: ClientInfo) -> None:
    """Raises NotFound, for another user's passkey too; LastSignInMethod if no way to sign in would be left; SessionRevoked."""
    with transaction.atomic():
        user = owner.lock(user_id=user_id, session_id=session_id)
        passkey = Passkey.objects.filter(user=user, id=passkey_id).first()
        if passkey is None:
            raise NotFound
        if _is_last_sign_in_method(passkey, user):
            raise LastSignInMethod
        _delete(passkey, actor_id=user_id, session_id=session_id)
        emails.passkey_removed(user, client, name=passkey.name)


def remove_all_by_admin(*, user_id: uuid.UUID, actor_id: uuid.UUID) -> bool:
    """Remove the passkeys of a user who has lost them; return False if there were none.

    The user may be left without a sign-in method: a password reset by email adds one.
    Raises CannotDemoteSelf: administrators remove their own passkeys in their account.
    """
    return _remove_by_admin(Passkey.objects.filter(user_id=user_id), user_id=user_id, actor_id=actor_id)


def remove_one_by_admin(*, passkey_id: uuid.UUID, actor_id: uuid.UUID) -> bool:
    """Do the same for one passkey."""
    passkey = Passkey.objects.filter(id=passkey_id)
    user_id = passkey.values_list("user_id", flat=True).first()
    return user_id is not None and _remove_by_admin(passkey, user_id=user_id, actor_id=actor_id)


def remove_planted(user: User) -> None:
    """Remove what a former holder of a claimed account registered, and the handle, which their authenticators keep.

    Administrators and staff keep theirs: a mailbox must not be enough to become one. A superuser can remove them.
    """
    if account_claim.is_privileged(user):
        return
    Passkey.objects.filter(user=user).delete()
    PasskeyHandle.objects.filter(user=user).delete()


def _remove_by_admin(passkeys: QuerySet[Passkey], *, user_id: uuid.UUID, actor_id: uuid.UUID) -> bool:
    if actor_id == user_id:
        raise CannotDemoteSelf
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        removed = list(passkeys) if user else []
        for passkey in removed:
            _delete(passkey, actor_id=actor_id)
        if user and removed:
            emails.passkeys_removed_by_admin(user, names=[passkey.name for passkey in removed])
    return bool(removed)


def _is_last_sign_in_method(passkey: Passkey, user: User) -> bool:
    """The caller holds the user's row, so that of two removals at once the second one sees the first."""
    has_other = Passkey.objects.filter(user=user).exclude(id=passkey.id).exists()
    return not has_other and not sign_in_methods.is_removable(METHOD, user=user)


def _delete(passkey: Passkey, *, actor_id: uuid.UUID, session_id: uuid.UUID | None = None) -> None:
    Passkey.objects.filter(id=passkey.id).delete()
    second_factors.removed(user_id=passkey.user_id)
    audit.record(
        PasskeyAuditKind.REMOVED,
        user_id=passkey.user_id,
        actor_id=actor_id,
        session_id=session_id,
        facts={"passkey": str(passkey.id), "name": passkey.name},
    )
