"""A passkey as the second factor of a login. User presence is sufficient: the login has proven a first factor.

The challenge is bound to the pending login. A pending login is completed once, and that uses the challenge up.
"""

import uuid

from accounts.models import LoginSurface
from accounts.passkeys import challenges, relying_party
from accounts.passkeys.challenges import ChallengePurpose
from accounts.passkeys.exceptions import PasskeyInvalid, PasskeyInvalidLogin, PasskeyUnknown
from accounts.passkeys.flows import own_passkey, usage
from accounts.passkeys.models import Passkey
from accounts.passkeys.relying_party import Options
from accounts.registries import FactorAttempt, FactorResult
from accounts.services import pending_logins


def get_options(*, mfa_token: str) -> Options:
    """Return the options for a pending login. Raises TokenInvalid, TokenExpired, NoPasskey."""
    pending = pending_logins.get(token=mfa_token, surface=LoginSurface.API)
    return make_options(user_id=pending.user_id, pending_id=pending.id)


def make_options(*, user_id: uuid.UUID, pending_id: uuid.UUID) -> Options:
    """Raises NoPasskey."""
    allowed = own_passkey.list_all(user_id=user_id)
    challenge = challenges.issue(ChallengePurpose.SECOND_FACTOR, str(pending_id))
    return relying_party.request_options(challenge, user_verification="preferred", allow=allowed)


def verify(attempt: FactorAttempt) -> FactorResult:
    """Verify the passkey and record its use within the caller's transaction, or return the error."""
    try:
        verified = own_passkey.verify(attempt, ChallengePurpose.SECOND_FACTOR, require_user_verification=False)
        usage.record(passkey=verified.passkey, assertion=verified.assertion, client=attempt.client)
    except Passkey.DoesNotExist:
        return PasskeyUnknown()
    except PasskeyInvalid:
        return PasskeyInvalidLogin()
    return (verified.passkey.amr,)
