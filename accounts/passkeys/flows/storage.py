"""The row of a new passkey, and its default name."""

from datetime import UTC, datetime

from django.db import IntegrityError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.passkeys import challenges, providers
from accounts.passkeys.ceremonies import NewPasskey
from accounts.passkeys.exceptions import PasskeyExists, PasskeyInvalid
from accounts.passkeys.models import MAX_NAME_LENGTH, Passkey
from core.db.prepared_writes import insert
from sessions_tracking.client_info import ClientInfo


def save_new(user: User, new: NewPasskey, *, name: str) -> Passkey:
    """Insert the passkey and use its challenge up, within the caller's transaction.

    Raises PasskeyInvalid if the challenge has been used, PasskeyExists. The transaction has to be rolled back then.
    """
    if Passkey.objects.filter(credential_id=new.credential_id).exists():
        raise PasskeyExists
    if not challenges.use(new.challenge):
        raise PasskeyInvalid
    passkey = Passkey(
        user=user,
        credential_id=new.credential_id,
        public_key=new.public_key,
        sign_count=new.sign_count,
        aaguid=new.aaguid,
        transports=new.transports,
        backup_eligible=new.backup_eligible,
        backed_up=new.backed_up,
        name=name,
        created_at=datetime.now(UTC),
    )
    try:
        insert(passkey)
    except IntegrityError as error:
        raise PasskeyExists from error
    return passkey


def default_name(new: NewPasskey, client: ClientInfo | None = None) -> str:
    """Return the name of the provider, or else that of the device."""
    label = client.label if client else ""
    return (providers.get_name(new.aaguid) or label or _("Passkey"))[:MAX_NAME_LENGTH]
