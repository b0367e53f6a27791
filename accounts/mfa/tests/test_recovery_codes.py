"""Recovery codes are shown once, accepted once and stored as hashes."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage

from accounts.mfa.flows import recovery_codes
from accounts.mfa.models import MfaAuditKind, RecoveryCode
from accounts.models import AuditEvent, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, SignedIn
from accounts.testing.second_factor import WRONG_RECOVERY_CODE, UserWithTotp, enrol, verify

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]


def test_a_recovery_code_completes_the_login_and_notifies_the_owner(
    alice_with_totp: UserWithTotp, outbox: Outbox
) -> None:
    response = verify(alice_with_totp.pending(), recoveryCode=alice_with_totp.recovery_codes[0])

    assert response.status_code == 200
    assert response.json()["data"]["token"]
    message = next(sent for sent in outbox() if sent.subject == "A recovery code was used to sign in")
    assert "9 recovery codes left" in str(message.body)
    assert alice_with_totp.recovery_codes[0] not in str(message.body)
    assert AuditEvent.objects.get(kind=MfaAuditKind.RECOVERY_CODE_USED).facts == {"left": 9}


def test_a_recovery_code_works_once_and_the_others_stay_valid(alice_with_totp: UserWithTotp) -> None:
    first, second = alice_with_totp.recovery_codes[:2]
    verify(alice_with_totp.pending(), recoveryCode=first)

    again = verify(alice_with_totp.pending(), recoveryCode=first)

    assert (again.status_code, again.json()["code"]) == (400, "code_invalid")
    assert verify(alice_with_totp.pending(), recoveryCode=second).status_code == 200
    assert OutboxEmail.objects.filter(kind="recovery_code_used").count() == 2


@pytest.mark.parametrize(
    "spell",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: f" {code} ",
        lambda code: code.replace("-", " ").lower(),
    ],
)
def test_a_recovery_code_is_accepted_once_in_any_spelling(
    alice_with_totp: UserWithTotp, spell: Callable[[str], str]
) -> None:
    code = alice_with_totp.recovery_codes[0]

    assert verify(alice_with_totp.pending(), recoveryCode=spell(code)).status_code == 200

    assert verify(alice_with_totp.pending(), recoveryCode=code).json()["code"] == "code_invalid"
    assert verify(alice_with_totp.pending(), recoveryCode=spell(code)).json()["code"] == "code_invalid"


def test_a_recovery_code_of_another_user_is_rejected(
    alice_with_totp: UserWithTotp, mallory: User, sign_in: SignIn
) -> None:
    mallory_with_totp = enrol(sign_in(mallory))

    assert (
        verify(alice_with_totp.pending(), recoveryCode=mallory_with_totp.recovery_codes[0]).json()["code"]
        == "code_invalid"
    )
    assert verify(mallory_with_totp.pending(), recoveryCode=mallory_with_totp.recovery_codes[0]).status_code == 200


def test_codes_and_recovery_codes_are_not_interchangeable(alice_with_totp: UserWithTotp) -> None:
    assert (
        verify(alice_with_totp.pending(), code=alice_with_totp.recovery_codes[0]).json()["code"] == "validation_error"
    )
    assert (
        verify(alice_with_totp.pending(), recoveryCode=alice_with_totp.app.code()).json()["code"] == "validation_error"
    )
    assert not RecoveryCode.objects.exclude(used_at=None).exists()


def test_new_recovery_codes_require_the_password_and_replace_the_old_ones(alice_with_totp: UserWithTotp) -> None:
    rejected = alice_with_totp.session.client.post("/mfa/recovery-codes", {"password": "Wrong-Horse-7"})
    assert (rejected.status_code, rejected.json()["code"]) == (400, "password_incorrect")
    assert rejected.json()["errors"].keys() == {"password"}

    fresh = alice_with_totp.session.client.post("/mfa/recovery-codes", {"password": PASSWORD}).json()["data"][
        "recoveryCodes"
    ]

    assert len(fresh) == 10
    assert not set(fresh) & set(alice_with_totp.recovery_codes)
    assert (
        verify(alice_with_totp.pending(), recoveryCode=alice_with_totp.recovery_codes[0]).json()["code"]
        == "code_invalid"
    )
    assert verify(alice_with_totp.pending(), recoveryCode=fresh[0]).status_code == 200
    assert AuditEvent.objects.filter(kind=MfaAuditKind.RECOVERY_CODES_RENEWED).count() == 1


def test_recovery_codes_require_a_second_factor(alice: User, sign_in: SignIn) -> None:
    response = sign_in(alice).client.post("/mfa/recovery-codes", {"password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (400, "mfa_not_enabled")
    assert not RecoveryCode.objects.exists()


def test_recovery_codes_are_stored_only_as_hashes(alice_with_totp: UserWithTotp) -> None:
    stored = " ".join(str(row) for row in RecoveryCode.objects.values())

    assert not any(code in stored or code.replace("-", "") in stored for code in alice_with_totp.recovery_codes)


def test_recovery_codes_have_fifty_bits_and_no_ambiguous_characters() -> None:
    code = recovery_codes._new_code()

    assert len(code.replace("-", "")) == 10
    assert len(recovery_codes.ALPHABET) == len(set(recovery_codes.ALPHABET)) == 32
    assert not set("01IO") & set(recovery_codes.ALPHABET)


def test_a_wrong_recovery_code_sends_no_email(alice_with_totp: UserWithTotp) -> None:
    verify(alice_with_totp.pending(), recoveryCode=WRONG_RECOVERY_CODE)

    assert not OutboxEmail.objects.filter(kind="recovery_code_used").exists()
