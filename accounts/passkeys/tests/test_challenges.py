"""Challenges: each is good for one purpose, in one session, for five minutes, once."""

from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django import Settings
from time_machine import Traveller

from accounts.passkeys import challenges
from accounts.passkeys.challenges import ChallengePurpose
from accounts.passkeys.models import UsedChallenge
from accounts.services.cleanup_rules import RULES

SESSION, OTHER_SESSION = "01981c63-1f5e-7a90-b1c2-93d4e5f60718", "01981c63-1f5e-7a90-b1c2-93d4e5f60719"


@pytest.mark.parametrize("purpose", list(ChallengePurpose))
def test_a_challenge_is_good_for_its_own_purpose_and_no_other(purpose: ChallengePurpose) -> None:
    challenge = challenges.issue(purpose, SESSION)

    accepted = [other for other in ChallengePurpose if challenges.parse(challenge.bytes, other, SESSION)]

    assert accepted == [purpose]
    assert challenges.parse(challenge.bytes, purpose, SESSION) == challenge


@pytest.mark.parametrize("binding", ["", OTHER_SESSION, SESSION.upper(), SESSION + " "])
def test_a_challenge_of_a_session_is_good_for_no_other(binding: str) -> None:
    challenge = challenges.issue(ChallengePurpose.STEP_UP, SESSION)

    assert challenges.parse(challenge.bytes, ChallengePurpose.STEP_UP, binding) is None


def test_a_challenge_expires_after_five_minutes(clock: Traveller) -> None:
    challenge = challenges.issue(ChallengePurpose.SIGN_IN)

    clock.shift(timedelta(minutes=4, seconds=55))
    assert challenges.parse(challenge.bytes, ChallengePurpose.SIGN_IN) is not None

    clock.shift(timedelta(seconds=6))
    assert challenges.parse(challenge.bytes, ChallengePurpose.SIGN_IN) is None


@pytest.mark.parametrize("index", range(challenges.LENGTH))
def test_no_byte_of_a_challenge_can_be_changed(index: int) -> None:
    challenge = bytearray(challenges.issue(ChallengePurpose.SIGN_IN).bytes)

    challenge[index] ^= 1

    assert challenges.parse(bytes(challenge), ChallengePurpose.SIGN_IN) is None


def test_a_challenge_of_another_length_is_invalid() -> None:
    challenge = challenges.issue(ChallengePurpose.SIGN_IN).bytes

    for other in (b"", challenge[:-1], challenge + b"\0", challenge * 2):
        assert challenges.parse(other, ChallengePurpose.SIGN_IN) is None


def test_a_challenge_of_another_deployment_is_invalid(settings: Settings) -> None:
    challenge = challenges.issue(ChallengePurpose.SIGN_IN).bytes

    settings.SECRET_KEY = "the key of another deployment, which is as long"

    assert challenges.parse(challenge, ChallengePurpose.SIGN_IN) is None


def test_challenges_are_never_equal() -> None:
    issued = {challenges.issue(ChallengePurpose.SIGN_IN).bytes for _ in range(1000)}

    assert len(issued) == 1000
    assert {len(challenge) for challenge in issued} == {challenges.LENGTH}


def test_a_challenge_is_used_once_and_an_issued_one_stores_nothing(db: None) -> None:
    challenge, other = (challenges.issue(ChallengePurpose.REGISTRATION, SESSION) for _ in range(2))
    assert not UsedChallenge.objects.exists()

    assert challenges.use(challenge)
    assert not challenges.use(challenge)
    assert challenges.use(other)

    assert UsedChallenge.objects.get(id=challenge.id).expires_at == challenge.expires_at


def test_a_transaction_that_fails_does_not_use_the_challenge_up(db: None) -> None:
    challenge = challenges.issue(ChallengePurpose.SIGN_UP)

    with pytest.raises(ValueError, match="rejected"), transaction.atomic():
        assert challenges.use(challenge)
        raise ValueError("rejected")

    assert challenges.use(challenge)


def test_the_cleanup_deletes_used_challenges_only_after_they_have_expired(db: None) -> None:
    challenge = challenges.issue(ChallengePurpose.REGISTRATION)
    challenges.use(challenge)
    rule = RULES.get("used passkey challenges")

    assert rule is not None
    assert not rule.expired(challenge.expires_at - timedelta(seconds=1))
    assert rule.expired(challenge.expires_at)
