"""The `loginToken` of a request for a login code: a signed text, so that unknown emails need no row of their own.

It names the outbox row whose email carries the code, and the account whose attempts are counted: by a keyed hash of the email,
because the worker deletes the row of an email without an account.
"""

import uuid
from dataclasses import dataclass

from accounts.identity import attempt_key
from accounts.tokens import signing

_PURPOSE = "login-code.login-token"
_SEPARATOR = "-"


@dataclass(frozen=True, slots=True)
class LoginToken:
    email_id: uuid.UUID
    account: str

    def __str__(self) -> str:
        return signing.sign(_PURPOSE, f"{self.email_id.hex}{_SEPARATOR}{self.account}")


def parse(token: str) -> LoginToken | None:
    """Return None for any text that is not the token of a request."""
    text = signing.unsign(_PURPOSE, token)
    if text is None:
        return None
    email_id, _separator, account = text.partition(_SEPARATOR)
    return LoginToken(uuid.UUID(email_id), account)


def account_of(email: str) -> str:
    """Return the key of the account, existing or not, that all spellings of its email share."""
    return signing.hmac_hexdigest("login-code.account", attempt_key(email))[:32]
