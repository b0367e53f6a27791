"""The passkey as an entry of SECOND_FACTORS, which serves both the second factor of a login and a step-up."""

from accounts.passkeys.flows import second_factor, step_up
from accounts.passkeys.relying_party import Options
from accounts.registries import Ceremony, FactorAttempt, FactorResult


def get_options(attempt: FactorAttempt) -> Options:
    """Return the options for the attempt, for a page of the admin. Raises NoPasskey."""
    user_id, binding = attempt.user.id, attempt.binding
    if attempt.ceremony is Ceremony.STEP_UP:
        return step_up.make_options(user_id=user_id, session_id=binding, proven_amr=attempt.proven_amr)
    return second_factor.make_options(user_id=user_id, pending_id=binding)


def verify(attempt: FactorAttempt) -> FactorResult:
    if attempt.ceremony is Ceremony.STEP_UP:
        return step_up.verify(attempt)
    return second_factor.verify(attempt)
