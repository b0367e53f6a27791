"""Two workers at once: whichever is faster, the code and the link of the latest email are the ones that work."""

from typing import Any

import pytest
from django.core import mail

from accounts.mail.delivery import deliver_due
from accounts.models import Purpose, User, VerificationCode
from accounts.services.email_verification import resend, verify_by_code
from accounts.services.passwords import request_reset
from accounts.testing.emails import code_in, token_in
from accounts.verification import verification_codes


@pytest.mark.parametrize("kind", ["verify_email", "reset_password"])
def test_a_worker_that_is_slow_with_an_email_does_not_end_the_secret_of_the_next_one(
    bob: User, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The second email is requested, composed and sent by another worker while the first worker makes the first secret."""

    def send_next_then_issue(**details: Any) -> verification_codes.IssuedCode:
        monkeypatch.setattr(verification_codes, "issue", issue)
        _request(bob, kind)
        assert deliver_due() == 1
        return issue(**details)

    issue = verification_codes.issue
    monkeypatch.setattr(verification_codes, "issue", send_next_then_issue)
    _request(bob, kind)
    deliver_due()

    [message] = mail.outbox
    open_secret = VerificationCode.objects.get(invalidated_at=None)
    assert verification_codes.find_by_token(token=token_in(message), purpose=Purpose(kind)) == open_secret
    assert kind != "verify_email" or verify_by_code(email="bob@example.com", code=code_in(message)) == bob


def _request(user: User, kind: str) -> None:
    if kind == "verify_email":
        resend(email=user.email or "")
    else:
        request_reset(email=user.email or "", language="en")
