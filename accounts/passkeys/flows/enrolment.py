"""Adding a passkey: the options for the browser, and the verified credential that it returns."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.passkeys import ceremonies, challenges, emails, handles, relying_party
from accounts.passkeys.challenges import ChallengePurpose
from accounts.passkeys.exceptions import TooManyPasskeys
from accounts.passkeys.flows import owner, storage
from accounts.passkeys.models import Passkey, PasskeyAuditKind
from accounts.services import recent_proof, second_factors
from sessions_tracking.client_info import ClientInfo

MAX_PASSKEYS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPasskey:
    """`recovery_codes` is empty unless this is the user's first second factor."""

    passkey: Passkey
    recovery_codes: list[str]


def start(*, user_id: uuid.UUID, session_id: uuid.UUID) -> relying_party.Options:
    """Return the options of a registration in this session. Raises TooManyPasskeys, SessionRevoked."""
    with transaction.atomic():
        user = owner.lock(user_id=user_id, session_id=session_id)
        passkeys = list(Passkey.objects.filter(user=user))
        if len(passkeys) >= MAX_PASSKEYS:
            raise TooManyPasskeys
        handle = handles.get_or_create(user)
    return relying_party.creation_options(
        challenges.issue(ChallengePurpose.REGISTRATION, str(session_id)),
        handle=handle,
        name=relying_party.account_name(user),
        display_name=relying_party.display_name(user),
        exclude=passkeys,
    )


def add(
    *, user_id: uuid.UUID, session_id: uuid.UUID, credential: Mapping[str, Any], name: str, client: ClientInfo
) -> AddedPasskey:
    """Store the passkey, and raise the session to AAL2: its user has just been verified. An empty name gets a default.

    Raises PasskeyInvalid, PasskeyExists, TooManyPasskeys, SessionRevoked; ReauthenticationRequired as `require_proven_factor`.
    """
    new = ceremonies.verify_registration(credential, purpose=ChallengePurpose.REGISTRATION, binding=str(session_id))
    with transaction.atomic():
        user = owner.lock(user_id=user_id, session_id=session_id)
        recent_proof.require_proven_factor(user, session_id=session_id)
        if Passkey.objects.filter(user=user).count() >= MAX_PASSKEYS:
            raise TooManyPasskeys
        passkey = storage.save_new(user, new, name=name or storage.default_name(new, client))
        audit.record(
            PasskeyAuditKind.ADDED,
            user_id=user_id,
            actor_id=user_id,
            session_id=session_id,
            facts={"passkey": str(passkey.id), "name": passkey.name},
        )
        codes = second_factors.added(user_id=user_id, session_id=session_id, amr=passkey.amr)
        emails.passkey_added(user, client, name=passkey.name)
    return AddedPasskey(passkey=passkey, recovery_codes=codes)
