"""Signs people up."""

from copy import copy
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import CharField, Q

from accounts import audit
from accounts.exceptions import EmailTaken, UsernameTaken
from accounts.identity import bucket_of, email_key, username_key
from accounts.mail import outbox
from accounts.models import AuditKind, User
from accounts.passwords import hashing, hashing_limiter
from accounts.services import email_verification, passwords, registration_claims
from core.api.exceptions import ApiError
from core.db.prepared import Given, PreparedSelect, in_order
from core.db.prepared_writes import insert
from core.throttling import limiter


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """`email` is None only where EMAIL_VERIFICATION is `none`."""

    email: str | None
    username: str
    password: str
    first_name: str = ""
    last_name: str = ""
    language: str = "en"


_OF_OTHERS = in_order(User, {"id", "email", "email_key", "username_key", "language", "password"})


def _like(name: str) -> Q:
    return Q((name, Given(name, CharField())))


_NAMESAKES = PreparedSelect(lambda: User.objects.filter(_like("username_key")).values_list(*_OF_OTHERS))
_NAMESAKES_BY_EITHER = PreparedSelect(
    lambda: User.objects.filter(_like("username_key") | _like("email_key")).values_list(*_OF_OTHERS)
)


def register(account: NewAccount) -> User:
    """Makes the user and promises the verification email, in one transaction.

    Raises ValidationFailed (`password`), EmailTaken, UsernameTaken, Overloaded. With PREVENT_ENUMERATION a taken email looks like
    success, costs as much, and its owner is told by email; the user returned is then nobody's.
    """
    hashing_limiter.require_room()
    user = _unsaved(account)
    passwords.require_acceptable(account.password, user=user, field="password")
    others = _others_like(user)
    if others:
        _refuse_before_the_hash(_collision(user, others))
    user.password = _hash(account.password, user, _owner(user, others))
    may_write = _has_room_for_a_notice(user)
    if not others:
        try:
            return _save(user)
        except IntegrityError:  # somebody was faster by a moment
            others = _others_like(user)
    owner = _owner(user, others)
    taken = _collision(user, others)
    if settings.PREVENT_ENUMERATION and owner is not None and isinstance(taken, EmailTaken):
        return _pretend(user, owner, may_write=may_write)
    raise taken


def _owner(user: User, others: list[User]) -> User | None:
    return next((other for other in others if user.email_key and other.email_key == user.email_key), None)


def _hash(password: str, user: User, owner: User | None) -> str:
    if user.claim is None:
        return hashing.make(password)
    return hashing.make_beside(password, registration_claims.reference_hash(user.email or "", owner))


def _refuse_before_the_hash(taken: ApiError) -> None:
    """Raises `taken` unless it has to look like success, which costs a hash. A taken username alone is never hidden."""
    if not (settings.PREVENT_ENUMERATION and isinstance(taken, EmailTaken)):
        raise taken


def _unsaved(account: NewAccount) -> User:
    return User(
        email=account.email or None,
        email_key=email_key(account.email) if account.email else None,
        username=account.username,
        username_key=username_key(account.username),
        first_name=account.first_name,
        last_name=account.last_name,
        language=account.language,
        claim=registration_claims.claim_of(account.email) if settings.PREVENT_ENUMERATION and account.email else None,
    )


def _save(user: User) -> User:
    with transaction.atomic():
        insert(user)
        if settings.EMAIL_VERIFICATION != "none":
            _reset_attempts(user, user.email or "")
            outbox.first_verification(user)
        audit.record(AuditKind.REGISTERED, user_id=user.id, actor_id=user.id)
    return user


def _has_room_for_a_notice(user: User) -> bool:
    """Nobody fills an owner's inbox with notices. It is asked for new addresses too, so that the time tells nothing."""
    if not settings.PREVENT_ENUMERATION:
        return False
    return limiter.has_room(settings.RATE_LIMIT_RESEND, f"notice:{bucket_of(user.email or '')}")


def _pretend(user: User, owner: User, *, may_write: bool) -> User:
    """Leaves the traces of a sign-up, by as many writes, so that no later request and no time tells (ASVS 6.3.8).

    One email is promised, to the owner. Raises UsernameTaken where somebody was faster.
    """
    placeholder = copy(user)
    placeholder.email, placeholder.email_key, placeholder.is_placeholder = None, None, True
    try:
        with transaction.atomic():
            insert(placeholder)
            _reset_attempts(owner, user.email or "")
            if may_write:
                outbox.address_already_registered(owner)
            else:
                outbox.nothing()
            audit.record(AuditKind.REGISTRATION_REPEATED, user_id=owner.id)
    except IntegrityError as error:
        raise UsernameTaken(errors={"username": [UsernameTaken.message]}) from error
    return user


def _reset_attempts(owner: User, email: str) -> None:
    """As after a new code. With PREVENT_ENUMERATION, expire an exhausted code first, so that the reset cannot revive it."""
    if settings.PREVENT_ENUMERATION:
        email_verification.expire_exhausted_code(user_id=owner.id, email=email)
    email_verification.reset_attempts(email)


def _others_like(user: User) -> list[User]:
    query = _NAMESAKES_BY_EITHER if user.email_key else _NAMESAKES
    rows = query.rows(username_key=user.username_key, email_key=user.email_key)
    return [User.from_db("default", _OF_OTHERS, row) for row in rows]


def _collision(user: User, others: list[User]) -> ApiError:
    """What is in the way. A taken username says so even where the email is taken too: that one alone can be hidden."""
    username_taken = any(other.username_key == user.username_key for other in others)
    email_taken = any(user.email_key is not None and other.email_key == user.email_key for other in others)
    errors = {}
    if email_taken and not (username_taken and settings.PREVENT_ENUMERATION):
        errors["email"] = [EmailTaken.message]
    if username_taken or not email_taken:
        errors["username"] = [UsernameTaken.message]
    return EmailTaken(errors=errors) if "email" in errors else UsernameTaken(errors=errors)
