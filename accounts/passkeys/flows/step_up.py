"""A passkey as the proof of a step-up: the challenge is bound to the session, and used up by a row of its own."""

import uuid
from collections.abc import Collection

from accounts.passkeys import challenges, relying_party
from accounts.passkeys.challenges import ChallengePurpose
from accounts.passkeys.exceptions import PasskeyInvalid
from accounts.passkeys.flows import own_passkey, usage
from accounts.passkeys.models import Passkey
from accounts.passkeys.relying_party import Options
from accounts.registries import FactorAttempt, FactorResult
from sessions_tracking.authentication_context import FIRST_FACTORS
from sessions_tracking.principal import Principal


def get_options(*, principal: Principal) -> Options:
    """Return the options for the session. Raises NoPasskey."""
    return make_options(user_id=principal.id, session_id=principal.session_id, proven_amr=principal.context.amr)


def make_options(*, user_id: uuid.UUID, session_id: uuid.UUID, proven_amr: Collection[str]) -> Options:
    """Raises NoPasskey."""
    allowed = own_passkey.list_all(user_id=user_id)
    challenge = challenges.issue(ChallengePurpose.STEP_UP, str(session_id))
    is_required = _requires_user_verification(proven_amr)
    return relying_party.request_options(
        challenge, user_verification="required" if is_required else "preferred", allow=allowed
    )


def verify(attempt: FactorAttempt) -> FactorResult:
    """Verify the passkey, record its use and use the challenge up within the caller's transaction, or return the error."""
    try:
        verified = own_passkey.verify(
            attempt,
            ChallengePurpose.STEP_UP,
            require_user_verification=_requires_user_verification(attempt.proven_amr),
        )
    except (Passkey.DoesNotExist, PasskeyInvalid):
        return PasskeyInvalid()
    if not challenges.use(verified.challenge):
        return PasskeyInvalid()
    usage.record(passkey=verified.passkey, assertion=verified.assertion, client=attempt.client)
    return (verified.passkey.amr,)


def _requires_user_verification(proven_amr: Collection[str]) -> bool:
    """Return whether the passkey has to prove two factors by itself: the session has proven no other first factor."""
    return not FIRST_FACTORS & set(proven_amr)
