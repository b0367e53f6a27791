"""The use of a passkey by a user who is known already: at the second factor of a login, and at a step-up."""

import uuid
from dataclasses import dataclass

from accounts.passkeys import ceremonies, challenges
from accounts.passkeys.ceremonies import Assertion
from accounts.passkeys.challenges import Challenge, ChallengePurpose
from accounts.passkeys.exceptions import NoPasskey, PasskeyInvalid
from accounts.passkeys.flows import usage
from accounts.passkeys.models import Passkey
from accounts.registries import FactorAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    passkey: Passkey
    challenge: Challenge
    assertion: Assertion


def list_all(*, user_id: uuid.UUID) -> list[Passkey]:
    """Return the user's passkeys, for `allowCredentials`. Raises NoPasskey: an empty list would allow any passkey."""
    passkeys = list(Passkey.objects.filter(user_id=user_id).order_by("id"))
    if not passkeys:
        raise NoPasskey
    return passkeys


def verify(attempt: FactorAttempt, purpose: ChallengePurpose, *, require_user_verification: bool) -> Verified:
    """Return the verified assertion of one of the user's passkeys, for a challenge that is bound to the attempt.

    Raises PasskeyInvalid, also for a passkey of another user: a page must not remove it from the authenticator as unknown;
    Passkey.DoesNotExist if no account has the passkey.
    """
    presented = ceremonies.read(attempt.value)
    passkey = usage.find(presented.credential_id)
    if passkey is None:
        raise Passkey.DoesNotExist
    challenge = challenges.parse(presented.challenge, purpose, str(attempt.binding))
    if passkey.user_id != attempt.user.id or challenge is None:
        raise PasskeyInvalid
    assertion = ceremonies.verify_assertion(
        presented, passkey=passkey, challenge=challenge, require_user_verification=require_user_verification
    )
    return Verified(passkey=passkey, challenge=challenge, assertion=assertion)
