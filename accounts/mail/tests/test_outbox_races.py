"""Two concurrent workers: whichever is faster, the code and link of the latest email are valid."""

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
def test_a_slow_worker_does_not_invalidate_the_code_of_the_next_email(
    bob: User, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The second email is requested, composed and sent by another worker while the first worker issues the first code."""

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
    valid = VerificationCode.objects.get(invalidated_at=None)
    assert verification_codes.find_by_token(token=token_in(message), purpose=Purpose(kind)) == valid
    assert kind != "verify_email" or verify_by_code(email="bob@example.com", code=code_in(message)) == bob


def _request(user: User, kind: str) -> None:
    if kind == "verify_email":
        resend(email=user.email or "")
    else:
        request_reset(email=user.email or "", language="en")
