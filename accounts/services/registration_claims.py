"""The sign-ups for one email, real and simulated, whose passwords all get the same answer with PREVENT_ENUMERATION.

Each is a row of the user table with a `claim`, a keyed hash of the email. Its password is hashed with the salt and the cost of
the account's hash, so that one bcrypt computation decides about the account and all claims. A claim signs nobody in.
A claim must not outlive the hash beside which it was made: when the account's password changes, its address moves or the
account is deleted, `remove` deletes the placeholders. To their makers this looks as if the account had been taken over.
"""

from django.conf import settings
from django.db.models import CharField

from accounts.identity import email_key_or_none
from accounts.keyed_hash import digest, hexdigest
from accounts.models import User
from accounts.passwords import hashing
from core.db.prepared import Given, PreparedSelect

# The oldest count, the real sign-up among them: the sign-ups of an attacker do not push it out.
MAX_CLAIMS = 100
_BY_CLAIM = PreparedSelect(
    lambda: (
        User.objects.filter(claim=Given("claim", CharField()), is_active=True)
        .order_by("id")
        .values_list("password")[:MAX_CLAIMS]
    )
)


def claim_of(email: str) -> str:
    return hexdigest("sign-up-claim", email_key_or_none(email) or "")


def password_hashes(email: str) -> list[str]:
    """Return the password hashes of the sign-ups for an email, by one statement for known and unknown emails."""
    return [password_hash for (password_hash,) in _BY_CLAIM.rows(claim=claim_of(email))]


def reference_hash(email: str, account: User | None) -> str:
    """Return the hash whose salt and cost the claims share: the account's, or one that no password has.

    The salt of the latter depends on the email and the server's key: of two sign-ups at once, both have it.
    """
    if account is not None and hashing.is_current_algorithm(account.password):
        return account.password
    return hashing.empty_hash(salt=digest("sign-up-salt", email_key_or_none(email) or "")[:16])


def remove(email: str | None) -> None:
    """Delete the placeholders for an email and forget the sign-up of its account, within the caller's transaction."""
    if not settings.PREVENT_ENUMERATION or not email:
        return
    claims = User.objects.filter(claim=claim_of(email))
    claims.filter(is_placeholder=True).delete()
    claims.update(claim=None)
