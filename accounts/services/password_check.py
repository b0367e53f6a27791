"""Says whose password it is, for every door alike: the API's and Django's admin's."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import CharField

from accounts import audit, hash_queue, password_hashing
from accounts.exceptions import EmailNotVerified, InvalidCredentials
from accounts.identity import bucket_of, email_key_or_none, username_key
from accounts.models import AuditKind, User
from accounts.services import guessing
from config.api.exceptions import ApiError
from config.prepared import Given, PreparedSelect


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One of email and username is given."""

    password: str
    email: str | None = None
    username: str | None = None


_COLUMNS = tuple(field.attname for field in User._meta.concrete_fields)  # noqa: SLF001 - public in all but its name
_KEY = Given("key", CharField())
_BY_EMAIL = PreparedSelect(lambda: User.objects.filter(email_key=_KEY).values_list(*_COLUMNS))
_BY_USERNAME = PreparedSelect(lambda: User.objects.filter(username_key=_KEY).values_list(*_COLUMNS))


def authenticate(credentials: Credentials, *, address: str | None) -> User:
    """The user whose password this is. A hash is computed whoever is asked for, so that time tells nothing (CVE-2024-39329)."""
    hash_queue.require_room()
    namesake = _namesake(credentials)
    attempt = guessing.login_attempt(
        user_id=namesake.id if namesake else None, identifier=_typed(credentials), address=address
    )
    user = namesake if namesake is not None and _is_spelled_right(namesake, credentials) else None
    if user is not None and _is_hidden(user, credentials):
        password_hashing.spend_as_much(credentials.password)
        attempt.failed()
        raise _refused(user, "email_not_verified")
    if user is None:
        password_hashing.spend_as_much(credentials.password)
        attempt.failed()
        raise _refused(None, "unknown_account")
    is_correct, is_outdated = password_hashing.verify(
        credentials.password, user.password, check_all_forms=not user.is_active
    )
    if not is_correct or not user.is_active:
        attempt.failed()
        raise _refused(user, "inactive" if is_correct else "wrong_password")
    attempt.succeeded()
    if is_outdated:
        _renew_hash(user, credentials.password)
    if user.is_placeholder or (settings.EMAIL_VERIFICATION == "mandatory" and not user.email_verified):
        raise _refused(user, "email_not_verified", EmailNotVerified())
    return user


def _is_hidden(user: User, credentials: Credentials) -> bool:
    """Whether an address that is not verified has to look unknown: a sign-up for it that was only simulated has no password.

    The username of either sign-up answers EmailNotVerified to its password.
    """
    is_required = settings.PREVENT_ENUMERATION and settings.EMAIL_VERIFICATION == "mandatory"
    return is_required and credentials.username is None and not user.email_verified


def _refused(user: User | None, reason: str, error: ApiError | None = None) -> ApiError:
    """Goes into the audit without what was typed: that may be a password in the wrong field."""
    audit.record(AuditKind.LOGIN_FAILED, user_id=user.id if user else None, facts={"reason": reason})
    return error or InvalidCredentials()


def _renew_hash(user: User, password: str) -> None:
    """Only over the hash that was checked: a reset that was faster must not be undone. No session ends."""
    checked, user.password = user.password, password_hashing.make(password)
    if not User.objects.filter(id=user.id, password=checked).update(password=user.password):
        raise InvalidCredentials


def _typed(credentials: Credentials) -> str:
    return credentials.username or credentials.email or ""


def _namesake(credentials: Credentials) -> User | None:
    """Who the identifier means in any spelling, also one that signs nobody in: all of them count together."""
    query = _BY_EMAIL if credentials.username is None else _BY_USERNAME
    rows = query.rows(key=bucket_of(_typed(credentials)))
    return User.from_db("default", _COLUMNS, rows[0]) if rows else None


def _is_spelled_right(user: User, credentials: Credentials) -> bool:
    if credentials.username is not None:
        return credentials.username.isascii() and user.username_key == username_key(credentials.username)
    return user.email_key == email_key_or_none(credentials.email or "")
