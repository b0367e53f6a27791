"""Users whom an administrator makes, and what is in the way where a name or an address is taken."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, transaction

from accounts.exceptions import EmailTaken, UsernameTaken
from accounts.models import Role, User
from accounts.passwords import hashing
from accounts.services import passwords
from accounts.services.administration import audit_records, side_effects
from core.api.exceptions import ApiError


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


def create(new: NewUser, *, actor_id: uuid.UUID) -> User:
    """Makes the user and promises the email that opens the account. Raises ValidationFailed, EmailTaken, UsernameTaken."""
    user = _unsaved(new)
    if new.password is not None:
        passwords.require_acceptable(new.password, user=user, field="password")
    user.password = hashing.make(new.password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            side_effects.announce(user)
            audit_records.note_creation(user, actor_id=actor_id)
    except IntegrityError as error:
        raise taken(user) from error
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
        deactivated_at=None if new.is_active else datetime.now(UTC),
        email_verified_at=datetime.now(UTC) if new.email_verified else None,
    )


def taken(wanted: User) -> ApiError:
    """What was in the way: asked only now, so that of racing wishes the database alone decides."""
    others, errors = User.objects.exclude(id=wanted.id), {}
    if wanted.email_key and others.filter(email_key=wanted.email_key).exists():
        errors["email"] = [EmailTaken.message]
    if others.filter(username_key=wanted.username_key).exists():
        errors["username"] = [UsernameTaken.message]
    return EmailTaken(errors=errors) if "email" in errors else UsernameTaken(errors=errors)
