"""Sign-up by passkey: an account without a password. The user handle is derived from the challenge, so options store nothing."""

from accounts import audit
from accounts.models import User
from accounts.passkeys import ceremonies, challenges, handles, relying_party
from accounts.passkeys.ceremonies import NewPasskey
from accounts.passkeys.challenges import ChallengePurpose
from accounts.passkeys.flows import storage
from accounts.passkeys.models import PasskeyAuditKind, PasskeyHandle
from accounts.passkeys.relying_party import Options
from accounts.services import second_factors
from core.db.prepared_writes import insert


def get_options(*, email: str | None, username: str) -> Options:
    """Return options that say nothing about existing accounts: none is looked up."""
    challenge = challenges.issue(ChallengePurpose.SIGN_UP)
    name = relying_party.account_name(User(email=email, username=username))
    return relying_party.creation_options(
        challenge, handle=handles.of_sign_up(challenge), name=name, display_name=username
    )


def prepare(credential: object) -> NewPasskey:
    """Return the verified passkey, of which nothing is stored yet. Raises PasskeyInvalid."""
    return ceremonies.verify_registration(credential, purpose=ChallengePurpose.SIGN_UP)


def store(user: User, new: NewPasskey) -> None:
    """Store the passkey, and the handle that its authenticator knows, in the transaction that inserted the user.

    Raises PasskeyInvalid if the challenge has been used, PasskeyExists.
    """
    passkey = storage.save_new(user, new, name=storage.default_name(new))
    insert(PasskeyHandle(user=user, handle=handles.of_sign_up(new.challenge)))
    second_factors.enable_at_sign_up(user_id=user.id)
    facts: audit.Facts = {"passkey": str(passkey.id)}
    audit.record(PasskeyAuditKind.ADDED, user_id=user.id, actor_id=user.id, facts=facts)
