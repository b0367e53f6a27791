"""The passkey as an entry of SECOND_FACTORS, which serves both the second factor of a login and a step-up."""

from accounts.passkeys.flows import second_factor, step_up
from accounts.registries import Ceremony, FactorAttempt, FactorResult


def verify(attempt: FactorAttempt) -> FactorResult:
    if attempt.ceremony is Ceremony.STEP_UP:
        return step_up.verify(attempt)
    return second_factor.verify(attempt)
