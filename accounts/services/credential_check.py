"""Verification of a user's password: at a login, through the API or Django's admin, and of a signed-in user."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import CharField

from accounts import audit
from accounts.exceptions import EmailNotVerified, InvalidCredentials, PasswordIncorrect
from accounts.identity import attempt_key, email_key_or_none, username_key
from accounts.models import AuditKind, User
from accounts.passwords import hashing, hashing_limiter
from accounts.passwords.hashing import Match
from accounts.services import password_attempts, registration_claims
from core.api.exceptions import ApiError
from core.db.prepared import Param, PreparedSelect
from core.db.prepared_rows import Instances


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A password with an email or a username."""

    password: str
    email: str | None = None
    username: str | None = None

    @classmethod
    def from_identifier(cls, identifier: str, password: str) -> "Credentials":
        """Take an identifier with an `@` as an email, because no username has one."""
        if "@" in identifier:
            return cls(password=password, email=identifier)
        return cls(password=password, username=identifier)

    @property
    def identifier(self) -> str:
        return self.username or self.email or ""


_KEY = Param("key", CharField())
_BY_EMAIL = PreparedSelect(lambda: User.objects.filter(email_key=_KEY), returning=lambda: Instances(User))
_BY_USERNAME = PreparedSelect(lambda: User.objects.filter(username_key=_KEY), returning=lambda: Instances(User))


def authenticate(credentials: Credentials, *, ip: str | None) -> User:
    """Return the user with this password. An unknown account costs a hash too, against timing attacks (CVE-2024-39329).

    Raises InvalidCredentials, EmailNotVerified; RateLimited and Overloaded, before the password is checked.
    """
    hashing_limiter.ensure_capacity()
    candidate = _find_candidate(credentials)
    attempt = password_attempts.start_login_attempt(
        user_id=candidate.id if candidate else None, identifier=credentials.identifier, ip=ip
    )
    user = candidate if candidate is not None and _matches_exactly(candidate, credentials) else None
    match = _match(user, credentials)
    if match.is_claim:
        attempt.withdraw()
        raise _record_failure(user, "wrong_password" if user else "unknown_account", EmailNotVerified())
    if user is None or not match.is_correct or not user.is_active:
        attempt.failed()
        raise _record_failure(user, _reason(user, match))
    if must_verify_email(user):
        # A sign-up with someone else's email must not reset the count of wrong passwords for that email.
        if _hides_accounts(credentials):
            attempt.withdraw()
        else:
            attempt.succeeded()
        raise _record_failure(user, "email_not_verified", EmailNotVerified())
    attempt.succeeded()
    if match.is_outdated:
        _upgrade_hash(user, credentials.password)
    return user


def must_verify_email(user: User) -> bool:
    """Return whether no sign-in succeeds before the email is verified. A placeholder looks like an unverified account."""
    return user.is_placeholder or (settings.EMAIL_VERIFICATION == "mandatory" and not user.email_verified)


def require_correct(password: str, *, user: User, field: str, hashes: int = 1) -> None:
    """Raise PasswordIncorrect under `field`, RateLimited after too many wrong passwords, or Overloaded.

    Does not rehash a password of an outdated cost: the next login does. `hashes` is the number of hashes that the whole
    request computes, including this one.
    """
    hashing_limiter.ensure_capacity()
    attempt = password_attempts.start_reauth_attempt(user_id=user.id, hashes=hashes)
    if not hashing.verify(password, user.password)[0]:
        attempt.failed()
        raise PasswordIncorrect(field=field)
    attempt.succeeded()


def _match(user: User | None, credentials: Credentials) -> Match:
    """Compare the password with as many hashes and statements for known and unknown emails (ASVS 6.3.8)."""
    check_all_forms = user is not None and not user.is_active
    if _hides_accounts(credentials):
        email = credentials.email or ""
        reference, claims = registration_claims.reference_hash(email, user), registration_claims.password_hashes(email)
        return hashing.match(credentials.password, reference, claims, check_all_forms=check_all_forms)
    if user is None:
        hashing.hash_for_timing(credentials.password)
        return Match()
    is_correct, is_outdated = hashing.verify(credentials.password, user.password, check_all_forms=check_all_forms)
    return Match(is_correct=is_correct, is_outdated=is_outdated)


def _hides_accounts(credentials: Credentials) -> bool:
    """Return whether the response must be the same for every sign-up with the email, even if another user owns it."""
    is_required = settings.PREVENT_ENUMERATION and settings.EMAIL_VERIFICATION == "mandatory"
    return is_required and credentials.username is None


def _reason(user: User | None, match: Match) -> str:
    if user is None:
        return "unknown_account"
    return "inactive" if match.is_correct else "wrong_password"


def _record_failure(user: User | None, reason: str, error: ApiError | None = None) -> ApiError:
    """Return the error to raise. The audit omits the identifier, which may be a password typed into the wrong field."""
    audit.record(AuditKind.LOGIN_FAILED, user_id=user.id if user else None, facts={"reason": reason})
    return error or InvalidCredentials()


def _upgrade_hash(user: User, password: str) -> None:
    """Replace only the hash that was checked, so that a concurrent reset is not undone. No session ends."""
    checked, user.password = user.password, hashing.make(password)
    if not User.objects.filter(id=user.id, password=checked).update(password=user.password):
        raise InvalidCredentials
    registration_claims.remove(user.email)


def _find_candidate(credentials: Credentials) -> User | None:
    """Return the user whom the identifier names in any spelling: attempts with all spellings are counted together."""
    query = _BY_EMAIL if credentials.username is None else _BY_USERNAME
    return query.fetch_first(key=attempt_key(credentials.identifier))


def _matches_exactly(user: User, credentials: Credentials) -> bool:
    if credentials.username is not None:
        return credentials.username.isascii() and user.username_key == username_key(credentials.username)
    return user.email_key == email_key_or_none(credentials.email or "")
