"""Administrators that an operator creates by a command: the first one cannot be created through the API."""

import re
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.exceptions import UserNotFound
from accounts.identity_validators import validate_email, validate_username
from accounts.models import Role, User
from accounts.passwords import hashing
from accounts.services import identity_conflicts, passwords
from accounts.services.administration import audit_records, side_effects
from core.api.exceptions import ValidationFailed

MIN_USERNAME_LENGTH, MAX_USERNAME_LENGTH = 3, 30
_NOT_VERIFIED = (
    "This email is not verified: another person may have registered it and know the password. Let its owner verify it first. "
    "If you know who registered the account, use --trust-email."
)


def create(*, email: str, username: str, password: str, may_use_admin: bool) -> User:
    """Create an administrator with a verified email; with `may_use_admin` a superuser of the admin as well.

    Raises ValidationFailed, EmailTaken, UsernameTaken.
    """
    _require_valid(email, username)
    user = User(email=email, username=username, role=Role.ADMIN, is_staff=may_use_admin, is_superuser=may_use_admin)
    passwords.require_acceptable(password, user=user, field="password")
    user.password = hashing.make(password)
    user.email_verified_at = user.created_at
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            audit_records.record_creation(user, actor_id=None)
    except IntegrityError as error:
        raise identity_conflicts.find_conflict(user) from error
    return user


def promote(*, email: str, may_use_admin: bool, trust_email: bool = False) -> User:
    """Make an existing user an administrator, with effect from the next request. Existing privileges stay.

    An attacker can register the email of another person, with a password of their choice. So an account whose email was
    never verified is promoted only with `trust_email`.

    Raises UserNotFound; ValidationFailed for an account that is not active, or not verified and not trusted.
    """
    with transaction.atomic():
        user = User.objects.with_email(email)
        before = User.objects.select_for_update().filter(id=user.id).first() if user else None
        if before is None:
            raise UserNotFound
        if not before.is_active:
            raise ValidationFailed(errors={"email": ["This account is not active. Reactivate it first."]})
        if not before.email_verified and not trust_email:
            raise ValidationFailed(errors={"email": [_NOT_VERIFIED]})
        privileges: dict[str, Any] = {"role": Role.ADMIN}
        privileges |= {"is_staff": True, "is_superuser": True} if may_use_admin else {}
        after = side_effects.apply_changes(before, privileges, email_verified=True, actor_id=None)
        audit_records.record_change(before, after, actor_id=None)
    return after


def username_for(email: str) -> str:
    """Return a free username, derived from the email."""
    username = re.sub(r"[^A-Za-z0-9_-]+", "-", email.partition("@")[0])[: MAX_USERNAME_LENGTH - 7]
    is_fit = len(username) >= MIN_USERNAME_LENGTH and _problem(username) is None
    if is_fit and not User.objects.filter(username_key=username.lower()).exists():
        return username
    return f"{username}-{secrets.token_hex(3)}"


def _require_valid(email: str, username: str) -> None:
    errors: dict[str, list[str]] = {}
    try:
        validate_email(email)
    except ValidationError as error:
        errors["email"] = error.messages
    if not MIN_USERNAME_LENGTH <= len(username) <= MAX_USERNAME_LENGTH:
        errors["username"] = [f"A username has {MIN_USERNAME_LENGTH} to {MAX_USERNAME_LENGTH} characters."]
    elif problem := _problem(username):
        errors["username"] = problem.messages
    if errors:
        raise ValidationFailed(errors=errors)


def _problem(username: str) -> ValidationError | None:
    try:
        validate_username(username)
    except ValidationError as error:
        return error
    return None
