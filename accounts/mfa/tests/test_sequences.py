"""Random sequences of changes to second factors, recovery codes, recoveries, the password and the account."""

from collections.abc import Iterator

import pytest
from time_machine import Traveller

from accounts.mfa.models import FactorRecovery
from accounts.mfa.tests import another_factor
from accounts.mfa.tests.sequences import Walk
from accounts.models import User


@pytest.fixture(autouse=True)
def _another_factor() -> Iterator[None]:
    with another_factor.registered():
        yield


@pytest.mark.parametrize("seed", range(8))
def test_no_sequence_breaks_an_invariant_or_locks_a_user_out(
    alice: User, superuser: User, clock: Traveller, seed: int
) -> None:
    walk = Walk(alice, superuser, clock, seed=seed)

    walk.sign_in()
    walk.take(40)
    walk.rescue()
    walk.add_app()
    walk.rescue()

    assert len(set(walk.done)) > 8
    assert FactorRecovery.objects.filter(completed_at__isnull=False).exists()
