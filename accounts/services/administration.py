"""What administrators do with other people's accounts: make, change, sign out, delete."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.exceptions import EmailTaken, UsernameTaken
from accounts.identity import email_key, username_key
from accounts.mail import outbox
from accounts.models import Role, User
from accounts.services import account_changes, authority, passwords
from config.api.exceptions import ApiError, NotFound
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason

_PLAIN = ("email", "username", "first_name", "last_name", "language", "role", "is_active")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """Without a password the user is invited by email to set one; `email` is None only where EMAIL_VERIFICATION is `none`."""

    email: str | None
    username: str
    password: str | None = None
    first_name: str = ""
    last_name: str = ""
    language: str = "en"
    role: str = Role.USER
    is_active: bool = True
    email_verified: bool = False


def get(*, user_id: uuid.UUID) -> User:
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound
    return user


def create(new: NewUser) -> User:
    """Makes the user and promises the email that opens the account. Raises ValidationFailed, EmailTaken, UsernameTaken."""
    user = _unsaved(new)
    if new.password is not None:
        passwords.require_acceptable(new.password, user=user, field="password")
    user.password = make_password(new.password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            account_changes.announce(user)
    except IntegrityError as error:
        raise _taken(user) from error
    return user


def _unsaved(new: NewUser) -> User:
    return User(
        email=new.email,
        username=new.username,
        first_name=new.first_name,
        last_name=new.last_name,
        language=new.language,
        role=new.role,
        is_active=new.is_active,
        email_verified_at=datetime.now(UTC) if new.email_verified else None,
    )


def update(*, actor_id: uuid.UUID, user_id: uuid.UUID, changes: Mapping[str, Any]) -> User:
    """Sets what `changes` holds of the fields of NewUser, and brings about at once what follows from it.

    Raises as `authority.lock`; ValidationFailed (`password`), EmailTaken, UsernameTaken.
    """
    wanted = _applied(get(user_id=user_id), changes)
    values = {name: changes[name] for name in _PLAIN if name in changes} | _derived(wanted, changes)
    takes_rights = changes.get("role", Role.ADMIN) != Role.ADMIN or changes.get("is_active") is False
    try:
        with transaction.atomic():
            before = authority.lock(actor_id=actor_id, user_id=user_id, takes_rights=takes_rights)
            return account_changes.apply(before, values, email_verified=changes.get("email_verified"))
    except IntegrityError as error:
        raise _taken(wanted) from error


def _applied(user: User, changes: Mapping[str, Any]) -> User:
    """The user as they are going to be, unsaved: what a new password must not resemble."""
    for name in _PLAIN:
        setattr(user, name, changes.get(name, getattr(user, name)))
    return user


def _derived(wanted: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Keys and hash; the slow hash is made here, before anything is locked."""
    values: dict[str, Any] = {"updated_at": datetime.now(UTC)}
    if "email" in changes:
        values["email_key"] = wanted.email_key = email_key(changes["email"])
    if "username" in changes:
        values["username_key"] = wanted.username_key = username_key(changes["username"])
    if "password" in changes:
        passwords.require_acceptable(changes["password"], user=wanted, field="password")
        values["password"] = make_password(changes["password"])
    return values


def _taken(wanted: User) -> ApiError:
    """What was in the way: asked only now, so that of racing wishes the database alone decides."""
    others, errors = User.objects.exclude(id=wanted.id), {}
    if wanted.email_key and others.filter(email_key=wanted.email_key).exists():
        errors["email"] = [EmailTaken.message]
    if others.filter(username_key=wanted.username_key).exists():
        errors["username"] = [UsernameTaken.message]
    return EmailTaken(errors=errors) if "email" in errors else UsernameTaken(errors=errors)


def delete(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Deletes the account and its sessions, and tells its owner. Raises as `authority.lock`."""
    with transaction.atomic():
        user = authority.lock(actor_id=actor_id, user_id=user_id, takes_rights=True)
        outbox.account_deleted(user)
        sessions.revoke_all(user_id=user_id, reason=RevokedReason.ACCOUNT_DELETED)
        user.delete()


def sign_out(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> int:
    """Ends all sessions of the user, and says how many they were. Raises as `authority.lock`."""
    with transaction.atomic():
        authority.lock(actor_id=actor_id, user_id=user_id, takes_rights=False)
        return sessions.revoke_all(user_id=user_id, reason=RevokedReason.ADMIN)
