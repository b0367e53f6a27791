"""The registrations for one email, real and simulated, whose passwords all get the same response with PREVENT_ENUMERATION.

Each is a row of the user table with a `claim`, a keyed hash of the email. Its password is hashed with the salt and the cost of
the account's hash, so that one bcrypt computation checks the account and all claims. No sign-in succeeds with a claim.
A claim must not outlive the account's hash with which it shares the salt: when the account's password or email changes or the
account is deleted, `remove` deletes the placeholders. To their makers this looks as if the owner had reset the password.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import CharField

from accounts.identity import email_key_or_none
from accounts.models import User
from accounts.passwords import hashing
from accounts.tokens.signing import hmac_digest, hmac_hexdigest
from core.db.prepared import Param, PreparedSelect
from core.db.prepared_rows import Fields

# The oldest are checked, the real registration among them: an attacker's registrations cannot displace it.
MAX_CLAIMS = 100


@dataclass(frozen=True, slots=True)
class _Claim:
    password: str


_BY_CLAIM = PreparedSelect(
    lambda: User.objects.filter(claim=Param("claim", CharField()), is_active=True).order_by("id")[:MAX_CLAIMS],
    returning=lambda: Fields(_Claim),
)


def claim_key(email: str) -> str:
    return hmac_hexdigest("sign-up-claim", email_key_or_none(email) or "")


def password_hashes(email: str) -> list[str]:
    """Return the password hashes of the registrations for an email, by one statement for known and unknown emails."""
    return [claim.password for claim in _BY_CLAIM.fetch_all(claim=claim_key(email))]


def reference_hash(email: str, account: User | None) -> str:
    """Return the hash whose salt and cost the claims share: the account's, or one that matches no password.

    The salt of the latter is derived from the email and the server's key, so that concurrent registrations share it.
    """
    if account is not None and hashing.is_current_algorithm(account.password):
        return account.password
    return hashing.empty_hash(salt=hmac_digest("sign-up-salt", email_key_or_none(email) or "")[:16])


def remove(email: str | None) -> None:
    """Delete the placeholders for an email and clear the claim of its account, within the caller's transaction."""
    if not settings.PREVENT_ENUMERATION or not email:
        return
    claims = User.objects.filter(claim=claim_key(email))
    claims.filter(is_placeholder=True).delete()
    claims.update(claim=None)
