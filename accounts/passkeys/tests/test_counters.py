"""The signature counter: a value that goes backwards is reported, never refused, and never stored."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage

from accounts.models import AuditEvent, OutboxEmail
from accounts.passkeys.ceremonies import Assertion
from accounts.passkeys.exceptions import PasskeyInvalid
from accounts.passkeys.flows import usage
from accounts.passkeys.models import Passkey, PasskeyAuditKind
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session


def _sign_in(alice: UserWithPasskey, counter: int) -> None:
    assert passkey_client.sign_in(alice.authenticator, counter=counter).status_code == 200


def _stored() -> int:
    return Passkey.objects.get().sign_count


def _reports() -> int:
    return AuditEvent.objects.filter(kind=PasskeyAuditKind.COUNTER_DECREASED).count()


def test_a_counter_may_stay_at_zero_and_rise(alice_with_passkey: UserWithPasskey) -> None:
    for counter, stored in ((0, 0), (0, 0), (5, 5), (6, 6)):
        _sign_in(alice_with_passkey, counter)
        assert _stored() == stored

    assert _reports() == 0


def test_a_counter_that_goes_backwards_is_audited_and_emailed_and_signs_in(
    alice_with_passkey: UserWithPasskey, outbox: Callable[[], list[EmailMessage]]
) -> None:
    _sign_in(alice_with_passkey, 5)
    sessions = Session.objects.count()

    _sign_in(alice_with_passkey, 3)

    assert _stored() == 5
    assert Session.objects.count() == sessions + 1
    event = AuditEvent.objects.get(kind=PasskeyAuditKind.COUNTER_DECREASED)
    assert (event.user_id, event.facts["stored"], event.facts["presented"]) == (alice_with_passkey.user.id, 5, 3)
    assert [message.to for message in outbox() if "passkey" in message.subject.lower()][-1] == ["alice@example.com"]
    assert OutboxEmail.objects.filter(kind="passkey_counter_decreased").count() == 1


@pytest.mark.parametrize(("counter", "reports"), [(5, 0), (6, 0), (4, 1), (0, 1)])
def test_only_a_lower_counter_is_reported(alice_with_passkey: UserWithPasskey, counter: int, reports: int) -> None:
    _sign_in(alice_with_passkey, 5)

    _sign_in(alice_with_passkey, counter)

    assert (_stored(), _reports()) == (max(counter, 5), reports)


def test_the_largest_counter_is_stored(alice_with_passkey: UserWithPasskey) -> None:
    _sign_in(alice_with_passkey, 2**32 - 1)

    assert _stored() == 2**32 - 1


def test_a_passkey_that_is_removed_during_its_use_proves_nothing(alice_with_passkey: UserWithPasskey) -> None:
    passkey = usage.find(alice_with_passkey.authenticator.passkeys[0].id)
    assert passkey is not None
    assertion = Assertion(sign_count=0, user_verified=True, backed_up=True, user_handle=None)
    client = ClientInfo(ip=None, user_agent="", device="Other", browser="", os="", platform="", location="Unknown")
    Passkey.objects.all().delete()

    with pytest.raises(PasskeyInvalid):
        usage.record(passkey=passkey, assertion=assertion, client=client)
