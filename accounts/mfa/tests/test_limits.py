"""Limits on wrong codes, replayed codes and clock drift in two-factor authentication."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from time_machine import Traveller

from accounts.mfa.flows import enrolment
from accounts.mfa.tests.wrong_codes import wrong_codes
from accounts.models import PendingLogin, User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.second_factor import (
    WRONG_RECOVERY_CODE,
    AuthenticatorApp,
    UserWithTotp,
    enrol,
    verify,
)
from sessions_tracking.models import Session


def _guess(alice_with_totp: UserWithTotp, token: str, times: int) -> list[str]:
    """Send wrong codes and wrong recovery codes alternately. Return the response codes."""
    kinds: list[dict[str, Any]] = [{"code": alice_with_totp.app.wrong_code()}, {"recoveryCode": WRONG_RECOVERY_CODE}]
    return [verify(token, **kinds[number % 2]).json()["code"] for number in range(times)]


def test_the_fifth_wrong_code_ends_the_pending_login(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending()
    assert _guess(alice_with_totp, token, 6) == ["code_invalid"] * 5 + ["token_invalid"]

    response = verify(token, code=alice_with_totp.app.code())

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert Session.objects.count() == 1


def test_the_correct_code_after_four_wrong_ones_completes_the_login(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending()
    _guess(alice_with_totp, token, 4)

    assert verify(token, code=alice_with_totp.app.code()).status_code == 200


def test_wrong_codes_of_an_account_are_counted_across_logins_and_kinds_of_code(alice_with_totp: UserWithTotp) -> None:
    for _ in range(2):
        _guess(alice_with_totp, alice_with_totp.pending(), 5)

    correct: list[dict[str, Any]] = [
        {"code": alice_with_totp.app.code()},
        {"recoveryCode": alice_with_totp.recovery_codes[0]},
    ]
    for proof in correct:
        response = verify(alice_with_totp.pending(), **proof)
        assert (response.status_code, response.json()["code"]) == (429, "too_many_attempts")
        assert 0 < int(response["Retry-After"]) <= 3600
    assert Session.objects.count() == 1


def test_attempts_are_available_again_an_hour_after_the_first_wrong_code(
    alice_with_totp: UserWithTotp, clock: Traveller
) -> None:
    for _ in range(2):
        _guess(alice_with_totp, alice_with_totp.pending(), 5)

    clock.shift(3600)

    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).status_code == 200


def test_a_login_does_not_reset_the_wrong_codes_of_the_account(alice_with_totp: UserWithTotp) -> None:
    _guess(alice_with_totp, alice_with_totp.pending(), 4)
    verify(alice_with_totp.pending(), code=alice_with_totp.app.code())

    assert wrong_codes(alice_with_totp.user) == 4


def test_a_new_login_resets_its_own_attempts_but_not_those_of_the_account(
    alice_with_totp: UserWithTotp,
) -> None:
    for _ in range(10):
        assert _guess(alice_with_totp, alice_with_totp.pending(), 1) == ["code_invalid"]

    assert _guess(alice_with_totp, alice_with_totp.pending(), 1) == ["too_many_attempts"]


def test_removing_the_factor_resets_the_count_for_the_next_one(alice_with_totp: UserWithTotp, superuser: User) -> None:
    for _ in range(2):
        _guess(alice_with_totp, alice_with_totp.pending(), 5)
    assert enrolment.reset_by_admin(user_id=alice_with_totp.user.id, actor_id=superuser.id)

    again = enrol(alice_with_totp.session)

    assert wrong_codes(again.user) == 0
    assert verify(again.pending(), code=again.app.code()).status_code == 200


def test_a_wrong_code_at_the_confirmation_does_not_count_after_it(alice: User, sign_in: Callable[..., Any]) -> None:
    session = sign_in(alice)
    secret = session.client.post("/mfa/totp").json()["data"]["secret"]
    assert session.client.post("/mfa/totp/confirm", {"code": AuthenticatorApp(secret).wrong_code()}).status_code == 400
    assert wrong_codes(alice) == 1

    enrol(session)

    assert wrong_codes(alice) == 0


def test_attempts_cannot_be_used_up_without_the_password(alice_with_totp: UserWithTotp) -> None:
    for _ in range(20):
        ApiClient().post("/login", {"username": "alice", "password": "Wrong-Horse-7"})
        verify("bm90IGEgdG9rZW4", code="000000")

    assert wrong_codes(alice_with_totp.user) == 0
    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).status_code == 200


def test_wrong_codes_of_another_user_do_not_count(
    alice_with_totp: UserWithTotp, mallory: User, sign_in: Callable[..., Any]
) -> None:
    client = sign_in(mallory).client
    client.post("/mfa/totp")
    for _ in range(10):
        client.post("/mfa/totp/confirm", {"code": "000000"})

    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).status_code == 200


def test_a_code_is_accepted_once(alice_with_totp: UserWithTotp) -> None:
    code = alice_with_totp.app.code()
    assert verify(alice_with_totp.pending(), code=code).status_code == 200

    again = verify(alice_with_totp.pending(), code=code)

    assert (again.status_code, again.json()["code"]) == (400, "code_invalid")
    assert Session.objects.count() == 2


def _in_digits_from(zero: str) -> Callable[[str], str]:
    return lambda code: "".join(chr(ord(zero) + int(digit)) for digit in code)


SAME: dict[str, Callable[[str], object]] = {
    "blank before": " {}".format,
    "blank after": "{} ".format,
    "blank within": lambda code: f"{code[:3]} {code[3:]}",
    "hyphen": lambda code: f"{code[:3]}-{code[3:]}",
    "full width": _in_digits_from("\uff10"),
    "Arabic digits": _in_digits_from("\u0660"),
    "line break": "{}\n".format,
    "invisible": "{}\u200b".format,
}
OTHERS: dict[str, Callable[[str], object]] = {
    "leading zero": "0{}".format,
    "sign": "+{}".format,
    "decimal": "{}.0".format,
    "whole number": int,
    "fraction": float,
    "list": lambda code: [code],
}


@pytest.mark.parametrize("spell", [*SAME.values(), *OTHERS.values()], ids=[*SAME, *OTHERS])
def test_a_used_code_is_rejected_in_every_spelling(
    alice_with_totp: UserWithTotp, spell: Callable[[str], object]
) -> None:
    code = alice_with_totp.app.code()
    assert verify(alice_with_totp.pending(), code=code).status_code == 200

    response = verify(alice_with_totp.pending(), code=spell(code))

    assert response.status_code == 400
    assert response.json()["code"] in {"code_invalid", "validation_error"}


@pytest.mark.parametrize("spell", OTHERS.values(), ids=OTHERS)
def test_a_code_with_other_separators_is_invalid(alice_with_totp: UserWithTotp, spell: Callable[[str], object]) -> None:
    response = verify(alice_with_totp.pending(), code=spell(alice_with_totp.app.code()))

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


@pytest.mark.parametrize("drift", [-1, 0, 1])
def test_a_clock_drift_of_one_step_is_accepted(alice_with_totp: UserWithTotp, clock: Traveller, drift: int) -> None:
    clock.shift(300)

    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code(drift)).status_code == 200


@pytest.mark.parametrize("drift", [-3, -2, 2, 3])
def test_a_larger_clock_drift_is_rejected(alice_with_totp: UserWithTotp, clock: Traveller, drift: int) -> None:
    clock.shift(300)

    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code(drift)).json()["code"] == "code_invalid"


def test_a_used_code_invalidates_earlier_codes(alice_with_totp: UserWithTotp) -> None:
    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code(1)).status_code == 200

    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code(0)).json()["code"] == "code_invalid"


def test_setting_the_clock_back_does_not_revive_a_used_code(alice_with_totp: UserWithTotp, clock: Traveller) -> None:
    code = alice_with_totp.app.code()
    verify(alice_with_totp.pending(), code=code)

    clock.shift(-30)

    assert verify(alice_with_totp.pending(), code=code).json()["code"] == "code_invalid"


def test_logins_without_a_code_do_not_count_as_wrong_codes(alice_with_totp: UserWithTotp) -> None:
    for _ in range(3):
        ApiClient().post("/login", {"username": "alice", "password": PASSWORD})

    assert PendingLogin.objects.count() == 3
    assert wrong_codes(alice_with_totp.user) == 0


def test_a_password_delay_does_not_block_a_pending_login(alice_with_totp: UserWithTotp, settings: Settings) -> None:
    settings.RATE_LIMITS = True
    token = alice_with_totp.pending()
    responses = [ApiClient().post("/login", {"username": "alice", "password": "Wrong-Horse-7"}) for _ in range(6)]
    assert responses[-1].json()["code"] == "rate_limited"

    assert verify(token, code=alice_with_totp.app.code()).status_code == 200


def test_verification_is_rate_limited_by_ip(alice_with_totp: UserWithTotp, settings: Settings) -> None:
    settings.RATE_LIMITS = True
    codes = [verify("bm90IGEgdG9rZW4", code="000000").json()["code"] for _ in range(61)]

    assert codes == ["token_invalid"] * 60 + ["rate_limited"]
