"""The use of a passkey: finding it, and recording its counter, its backup state and the time."""

from datetime import UTC, datetime

from django.db.models.functions import Greatest

from accounts import audit
from accounts.passkeys import emails
from accounts.passkeys.ceremonies import Assertion
from accounts.passkeys.exceptions import PasskeyInvalid
from accounts.passkeys.models import Passkey, PasskeyAuditKind
from sessions_tracking.client_info import ClientInfo


def find(credential_id: bytes) -> Passkey | None:
    """Return the passkey with its user and the user's handle, in one statement."""
    passkeys = Passkey.objects.select_related("user__passkey_handle")
    return passkeys.filter(credential_id=credential_id).order_by().first()


def record(*, passkey: Passkey, assertion: Assertion, client: ClientInfo) -> None:
    """Record the use by one UPDATE, within the caller's transaction, which holds the user's row.

    The stored counter never decreases. A counter below the one that was read may come from a copy of the passkey: the use is
    accepted, but audited and reported by email. A counter below one that was stored since was only overtaken.
    Raises PasskeyInvalid if the passkey has been removed since it was read.
    """
    updated = Passkey.objects.filter(id=passkey.id, user_id=passkey.user_id).update(
        sign_count=Greatest("sign_count", assertion.sign_count),
        backed_up=assertion.backed_up,
        last_used_at=datetime.now(UTC),
    )
    if not updated:
        raise PasskeyInvalid
    if assertion.sign_count < passkey.sign_count:
        _report_decrease(passkey, assertion, client)


def _report_decrease(passkey: Passkey, assertion: Assertion, client: ClientInfo) -> None:
    facts: audit.Facts = {
        "passkey": str(passkey.id),
        "stored": passkey.sign_count,
        "presented": assertion.sign_count,
    }
    audit.record(PasskeyAuditKind.COUNTER_DECREASED, user_id=passkey.user_id, actor_id=passkey.user_id, facts=facts)
    emails.passkey_counter_decreased(passkey.user, client, name=passkey.name)
