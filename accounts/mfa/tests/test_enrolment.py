"""Adding an authenticator app and taking it away: what each step shows, asks for and leaves alone."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from io import StringIO

import pyotp
import pytest
from cryptography.fernet import Fernet
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from pytest_django import Settings
from time_machine import Traveller

from accounts import encryption
from accounts.mfa.flows import enrolment
from accounts.mfa.models import MfaAuditKind, RecoveryCode, TotpFactor
from accounts.models import AuditEvent, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import AuthenticatorApp, UserWithTotp, enrol, verify
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]

OLD_KEY, NEW_KEY = "an older key of thirty-two letters or more", "the newest key, which no example ever showed"


@pytest.fixture
def here(alice: User, sign_in: SignIn, clock: Traveller) -> SignedIn:
    """alice, signed in, without a second factor yet. The clock stands still."""
    return sign_in(alice)


def _start(session: SignedIn) -> AuthenticatorApp:
    return AuthenticatorApp(session.client.post("/mfa/totp").json()["data"]["secret"])


def test_enrolment_returns_the_secret_in_three_consistent_forms(here: SignedIn) -> None:
    reply = here.client.post("/mfa/totp")

    data = reply.json()["data"]
    assert (reply.status_code, set(data)) == (200, {"secret", "otpauthUri", "qrSvg"})
    scanned = pyotp.parse_uri(data["otpauthUri"])
    assert isinstance(scanned, pyotp.TOTP)
    assert (scanned.secret, scanned.issuer, scanned.name) == (data["secret"], "Vestibule", "alice@example.com")
    assert (scanned.interval, scanned.digits, scanned.digest().name) == (30, 6, "sha1")
    assert len(data["secret"]) == 32
    assert reply["Cache-Control"] == "no-store"


def test_the_qr_code_can_be_embedded_in_a_page(here: SignedIn) -> None:
    svg = here.client.post("/mfa/totp").json()["data"]["qrSvg"]

    root = ET.fromstring(svg)  # noqa: S314 - it is our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert svg.startswith("<svg ")
    named = {name for element in root.iter() for name in [element.tag, *element.attrib]}
    assert not {"script", "style", "href", "onload"} & {name.rpartition("}")[2] for name in named}


def test_an_app_that_scanned_the_qr_code_confirms_and_logs_in(here: SignedIn, clock: Traveller) -> None:
    scanned = pyotp.parse_uri(here.client.post("/mfa/totp").json()["data"]["otpauthUri"])
    assert isinstance(scanned, pyotp.TOTP)

    assert here.client.post("/mfa/totp/confirm", {"code": scanned.now()}).status_code == 200

    clock.shift(30)
    pending = ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]
    assert verify(pending["mfaToken"], code=scanned.now()).status_code == 200


def test_a_confirmation_enables_mfa_and_returns_ten_recovery_codes(here: SignedIn, outbox: Outbox) -> None:
    app = _start(here)

    reply = here.client.post("/mfa/totp/confirm", {"code": app.code()})

    codes = reply.json()["data"]["recoveryCodes"]
    assert reply.status_code == 200
    assert len(codes) == len(set(codes)) == 10
    assert here.client.get("/me").json()["data"]["user"]["mfaEnabled"] is True
    assert [message.subject for message in outbox()] == ["Two-factor authentication is on"]
    assert AuditEvent.objects.filter(kind=MfaAuditKind.ENABLED, user_id=here.user.id).count() == 1


def test_an_unconfirmed_enrolment_does_not_affect_login(here: SignedIn, sign_in: SignIn) -> None:
    _start(here)

    assert sign_in(here.user).client.get("/me").json()["data"]["user"]["mfaEnabled"] is False
    assert not RecoveryCode.objects.exists()
    assert not OutboxEmail.objects.filter(kind="mfa_enabled").exists()


def test_a_second_enrolment_replaces_the_first(here: SignedIn) -> None:
    first, second = _start(here), _start(here)

    assert here.client.post("/mfa/totp/confirm", {"code": first.code()}).json()["code"] == "code_invalid"
    assert here.client.post("/mfa/totp/confirm", {"code": second.code()}).status_code == 200
    assert _stored_secret(here.user) == second.secret


def test_a_confirmed_secret_is_never_shown_or_replaced(alice_with_totp: UserWithTotp) -> None:
    client = alice_with_totp.session.client

    again, confirmed_again = (
        client.post("/mfa/totp"),
        client.post("/mfa/totp/confirm", {"code": alice_with_totp.app.code()}),
    )

    assert (again.status_code, again.json()["code"]) == (400, "mfa_already_enabled")
    assert confirmed_again.json()["code"] == "mfa_already_enabled"
    assert client.get("/mfa/totp").status_code == 405
    assert alice_with_totp.app.secret not in client.get("/me/export").content.decode()
    assert _stored_secret(alice_with_totp.user) == alice_with_totp.app.secret


def test_confirmation_without_enrolment_is_rejected(here: SignedIn) -> None:
    reply = here.client.post("/mfa/totp/confirm", {"code": "123456"})

    assert (reply.status_code, reply.json()["code"]) == (400, "mfa_not_enabled")


def test_wrong_confirmation_codes_are_limited_across_enrolments(here: SignedIn) -> None:
    app = _start(here)
    codes = [here.client.post("/mfa/totp/confirm", {"code": app.wrong_code()}).json()["code"] for _ in range(12)]
    assert codes == ["code_invalid"] * 10 + ["too_many_attempts"] * 2

    reply = here.client.post("/mfa/totp/confirm", {"code": _start(here).code()})

    assert (reply.status_code, reply.json()["code"]) == (429, "too_many_attempts")
    assert 0 < int(reply["Retry-After"]) <= 3600
    assert not User.objects.get().mfa_enabled


def test_the_confirmation_code_cannot_be_reused_for_login(here: SignedIn) -> None:
    app = _start(here)
    code = app.code()
    assert here.client.post("/mfa/totp/confirm", {"code": code}).status_code == 200

    pending = ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]

    assert verify(pending["mfaToken"], code=code).json()["code"] == "code_invalid"


def test_the_session_that_enrolled_keeps_its_assurance_level(alice_with_totp: UserWithTotp) -> None:
    assert Session.objects.get().second_factor is False
    assert alice_with_totp.session.client.get("/me").status_code == 200


def test_removal_requires_the_password(alice_with_totp: UserWithTotp) -> None:
    client = alice_with_totp.session.client

    replies = [client.delete("/mfa/totp", body) for body in ({"password": "Wrong-Horse-7"}, {}, None)]

    assert [reply.json()["code"] for reply in replies] == ["password_incorrect", "validation_error", "validation_error"]
    assert replies[0].json()["errors"].keys() == {"password"}
    assert User.objects.get().mfa_enabled
    assert RecoveryCode.objects.count() == 10


def test_removal_deletes_all_mfa_data_and_notifies_the_owner(
    alice_with_totp: UserWithTotp, sign_in: SignIn, outbox: Outbox
) -> None:
    waiting = alice_with_totp.pending()

    assert alice_with_totp.session.client.delete("/mfa/totp", {"password": PASSWORD}).status_code == 200

    assert not TotpFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert verify(waiting, code=alice_with_totp.app.code()).json()["code"] == "token_invalid"
    assert sign_in(alice_with_totp.user).client.get("/me").json()["data"]["user"]["mfaEnabled"] is False
    assert outbox()[-1].subject == "Two-factor authentication was turned off"
    assert AuditEvent.objects.filter(kind=MfaAuditKind.DISABLED, actor_id=alice_with_totp.user.id).count() == 1


def test_removal_without_a_second_factor_is_rejected(here: SignedIn) -> None:
    _start(here)

    reply = here.client.delete("/mfa/totp", {"password": PASSWORD})

    assert (reply.status_code, reply.json()["code"]) == (400, "mfa_not_enabled")


def test_removal_lowers_the_assurance_level_of_sessions(alice_with_totp: UserWithTotp) -> None:
    verify(alice_with_totp.pending(), code=alice_with_totp.app.code())
    assert Session.objects.filter(second_factor=True).count() == 1

    alice_with_totp.session.client.delete("/mfa/totp", {"password": PASSWORD})

    assert not Session.objects.filter(second_factor=True).exists()


def test_a_new_enrolment_after_removal_has_another_secret(alice_with_totp: UserWithTotp) -> None:
    alice_with_totp.session.client.delete("/mfa/totp", {"password": PASSWORD})

    again = enrol(alice_with_totp.session)

    assert again.app.secret != alice_with_totp.app.secret
    assert verify(again.pending(), code=again.app.code()).status_code == 200
    assert not set(again.recovery_codes) & set(alice_with_totp.recovery_codes)


def test_an_administrator_can_remove_the_second_factor_of_a_user(
    alice_with_totp: UserWithTotp, superuser: User, outbox: Outbox
) -> None:
    assert enrolment.reset_by_admin(user_id=alice_with_totp.user.id, actor_id=superuser.id)

    assert not enrolment.reset_by_admin(user_id=alice_with_totp.user.id, actor_id=superuser.id)
    assert ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]["token"]
    assert any("An administrator turned off" in str(message.body) for message in outbox())
    assert AuditEvent.objects.get(kind=MfaAuditKind.DISABLED).actor_id == superuser.id


def test_saving_a_stale_user_does_not_disable_mfa(here: SignedIn) -> None:
    stale = User.objects.get()
    enrol(here)

    stale.first_name = "Alicia"
    stale.save()

    assert User.objects.values_list("first_name", "mfa_enabled").get() == ("Alicia", True)


def test_the_secret_is_encrypted_and_bound_to_its_owner(
    alice_with_totp: UserWithTotp, mallory: User, sign_in: SignIn
) -> None:
    hers, his = TotpFactor.objects.get(user=alice_with_totp.user), enrol(sign_in(mallory))
    assert alice_with_totp.app.secret not in hers.secret

    TotpFactor.objects.filter(user=alice_with_totp.user).update(secret=TotpFactor.objects.get(user=mallory).secret)

    assert verify(alice_with_totp.pending(), code=his.app.code()).json()["code"] == "code_invalid"
    assert verify(alice_with_totp.pending(), recoveryCode=alice_with_totp.recovery_codes[0]).status_code == 200


def test_after_key_rotation_old_secrets_are_readable_and_re_encrypted(
    alice_with_totp: UserWithTotp, settings: Settings
) -> None:
    settings.MFA_ENCRYPTION_KEYS = [OLD_KEY]
    assert _run() == "1 re-encrypted, 0 already used the newest key.\n"
    settings.MFA_ENCRYPTION_KEYS = [NEW_KEY, OLD_KEY]
    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).status_code == 200

    assert _run() == "1 re-encrypted, 0 already used the newest key.\n"

    settings.MFA_ENCRYPTION_KEYS = [NEW_KEY]
    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code(1)).status_code == 200
    assert _run() == "0 re-encrypted, 1 already used the newest key.\n"


def test_a_missing_encryption_key_is_logged_and_rejects_the_login(
    alice_with_totp: UserWithTotp, settings: Settings
) -> None:
    TotpFactor.objects.update(
        secret=Fernet(Fernet.generate_key()).encrypt(alice_with_totp.app.secret.encode()).decode()
    )

    with pytest.raises(CommandError, match="1 cannot be decrypted with any of the keys"):
        _run()

    assert verify(alice_with_totp.pending(), code=alice_with_totp.app.code()).json()["code"] == "code_invalid"


def _run() -> str:
    out = StringIO()
    call_command("reencrypt_mfa_secrets", stdout=out)
    return out.getvalue()


def _stored_secret(user: User) -> str:
    return encryption.decrypt(TotpFactor.objects.get(user=user).secret, owner=str(user.id))
