"""Registration: create an account and send the verification email."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import CharField, Q

from accounts import audit
from accounts.exceptions import EmailTaken, UsernameTaken
from accounts.identity import attempt_key
from accounts.mail import outbox
from accounts.models import AuditKind, User
from accounts.models.user_fields import identity_keys
from accounts.passwords import hashing, hashing_limiter
from accounts.registries import SignUpMethod
from accounts.services import email_verification, passwords, registration_claims
from accounts.services.identity_conflicts import conflict
from core.api.exceptions import ApiError
from core.db.prepared import Param, PreparedSelect
from core.db.prepared_rows import Instances
from core.db.prepared_writes import insert
from core.throttling import limiter


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpCredential:
    """What a client sent in place of a password, in the field of `method`."""

    method: SignUpMethod
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account with either a password or a credential.

    `profile` holds values of PROFILE_FIELDS. `email` is None only if EMAIL_VERIFICATION is `none`.
    """

    email: str | None
    password: str | None = None
    credential: SignUpCredential | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)


# Stores the credential of the user who was inserted in the same transaction.
Store = Callable[[User], None]


_MATCH_FIELDS = ("id", "email", "email_key", "username_key", "language", "password")


def _equals(column: str) -> Q:
    return Q((column, Param(column, CharField())))


def _matches() -> Instances[User]:
    return Instances(User, _MATCH_FIELDS)


_BY_USERNAME = PreparedSelect(lambda: User.objects.filter(_equals("username_key")), returning=_matches)
_BY_USERNAME_OR_EMAIL = PreparedSelect(
    lambda: User.objects.filter(_equals("username_key") | _equals("email_key")), returning=_matches
)


def register(account: NewAccount) -> User:
    """Create the user and queue the verification email, in one transaction.

    Raises ValidationFailed (`password`), EmailTaken, UsernameTaken, Overloaded, and what the method of a credential raises.
    With PREVENT_ENUMERATION a taken email looks like success and costs the same; its owner is notified by email, and the
    returned user is not in the database.
    """
    user = _unsaved(account)
    store = _prepare(account, user)
    others = _find_others(user)
    if others and not _is_hidden(error := _conflict(user, others)):
        raise error  # without a hash, which is by far the largest cost
    user.password = _hash(account.password, user, _owner(user, others))
    may_notify = _may_notify_owner(user)
    if not others:
        try:
            return _save(user, store)
        except IntegrityError:  # another registration won the race
            others = _find_others(user)
    owner, error = _owner(user, others), _conflict(user, others)
    if owner is not None and _is_hidden(error):
        return _simulate(user, owner, store, may_notify=may_notify)
    raise error


def _prepare(account: NewAccount, user: User) -> Store:
    """Check the password or the credential, and return the function that stores the credential."""
    if account.credential is None:
        hashing_limiter.ensure_capacity()
        passwords.require_acceptable(account.password or "", user=user, field="password")
        return lambda _user: None
    method = account.credential.method
    prepared = method.prepare(account.credential.value)
    return lambda new_user: method.store(new_user, prepared)


def _conflict(user: User, others: list[User]) -> ApiError:
    return conflict(user, others, hide_email=settings.PREVENT_ENUMERATION)


def _is_hidden(error: ApiError) -> bool:
    """Return whether the response must look like success. A taken username is never hidden."""
    return settings.PREVENT_ENUMERATION and isinstance(error, EmailTaken)


def _owner(user: User, others: list[User]) -> User | None:
    return next((other for other in others if user.email_key and other.email_key == user.email_key), None)


def _hash(password: str | None, user: User, owner: User | None) -> str:
    """Return the hash of the password, or an unusable one without a password."""
    if user.claim is None or password is None:
        return hashing.make(password)
    return hashing.make_with_same_salt(password, registration_claims.reference_hash(user.email or "", owner))


def _unsaved(account: NewAccount) -> User:
    user = User(email=account.email or None, **account.profile)
    for column, key in identity_keys({"email": user.email, "username": user.username}).items():
        setattr(user, column, key)
    if settings.PREVENT_ENUMERATION and user.email:
        user.claim = registration_claims.claim_key(user.email)
    return user


def _save(user: User, store: Store) -> User:
    with transaction.atomic():
        insert(user)
        store(user)
        if settings.EMAIL_VERIFICATION != "none":
            _reset_attempts(user, user.email or "")
            outbox.first_verification(user)
        audit.record(AuditKind.REGISTERED, user_id=user.id, actor_id=user.id)
    return user


def _may_notify_owner(user: User) -> bool:
    """Limit the notices to an owner. Unknown emails are counted too, so that the response time reveals nothing."""
    if not settings.PREVENT_ENUMERATION:
        return False
    return limiter.try_consume(settings.RATE_LIMIT_RESEND, f"notice:{attempt_key(user.email or '')}")


def _simulate(user: User, owner: User, store: Store, *, may_notify: bool) -> User:
    """Do the writes of a registration, so that neither later requests nor the time reveal the account (ASVS 6.3.8).

    The email goes to the owner. Raises UsernameTaken if another registration won the race.
    """
    placeholder = copy(user)
    placeholder.email, placeholder.email_key, placeholder.is_placeholder = None, None, True
    try:
        with transaction.atomic():
            insert(placeholder)
            store(placeholder)
            _reset_attempts(owner, user.email or "")
            if may_notify:
                outbox.address_already_registered(owner)
            else:
                outbox.write_dummy_row()
            audit.record(AuditKind.REGISTRATION_REPEATED, user_id=owner.id)
    except IntegrityError as error:
        raise UsernameTaken(errors={"username": [UsernameTaken.message]}) from error
    return user


def _reset_attempts(owner: User, email: str) -> None:
    """As after a new code. With PREVENT_ENUMERATION, expire an exhausted code first, so that the reset cannot revive it."""
    if settings.PREVENT_ENUMERATION:
        email_verification.expire_exhausted_code(user_id=owner.id, email=email)
    email_verification.reset_attempts(email)


def _find_others(user: User) -> list[User]:
    query = _BY_USERNAME_OR_EMAIL if user.email_key else _BY_USERNAME
    return query.fetch_all(username_key=user.username_key, email_key=user.email_key)
