"""Administrators whom whoever runs the deployment makes: the first one has nobody above them who could."""

import re
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.exceptions import UserNotFound
from accounts.identity_validators import validate_address, validate_username
from accounts.models import Role, User
from accounts.passwords import hashing
from accounts.services import identity_conflicts, passwords
from accounts.services.administration import audit_records, side_effects
from core.api.exceptions import ValidationFailed

SHORTEST_NAME, LONGEST_NAME = 3, 30
_NOT_VERIFIED = (
    "This email is not verified: somebody else may have registered it, and knows the password. Let its owner verify it first. "
    "If you know who registered the account: --trust-email."
)


def create(*, email: str, username: str, password: str, may_use_admin: bool) -> User:
    """An administrator of the API with a verified address; `may_use_admin`: of Django's admin too, and of all that is in it.

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
    """Makes somebody who is here an administrator; rights that they have stay. What changes takes hold with the next request.

    Anybody can register an email that is not theirs, with a password of their choice. So an account whose email was never
    verified is promoted only with `trust_email`.

    Raises UserNotFound; ValidationFailed for an account that is not active, or not verified and not trusted.
    """
    with transaction.atomic():
        found = User.objects.with_email(email)
        before = User.objects.select_for_update().filter(id=found.id).first() if found else None
        if before is None:
            raise UserNotFound
        if not before.is_active:
            raise ValidationFailed(errors={"email": ["This account is not active. Reactivate it first."]})
        if not before.email_verified and not trust_email:
            raise ValidationFailed(errors={"email": [_NOT_VERIFIED]})
        rights: dict[str, Any] = {"role": Role.ADMIN}
        rights |= {"is_staff": True, "is_superuser": True} if may_use_admin else {}
        after = side_effects.apply_changes(before, rights, email_verified=True, actor_id=None)
        audit_records.record_change(before, after, actor_id=None)
    return after


def username_for(email: str) -> str:
    """One that is free, after the address."""
    wanted = re.sub(r"[^A-Za-z0-9_-]+", "-", email.partition("@")[0])[: LONGEST_NAME - 7]
    is_fit = len(wanted) >= SHORTEST_NAME and _problem(wanted) is None
    if is_fit and not User.objects.filter(username_key=wanted.lower()).exists():
        return wanted
    return f"{wanted}-{secrets.token_hex(3)}"


def _require_valid(email: str, username: str) -> None:
    errors: dict[str, list[str]] = {}
    try:
        validate_address(email)
    except ValidationError as error:
        errors["email"] = error.messages
    if not SHORTEST_NAME <= len(username) <= LONGEST_NAME:
        errors["username"] = [f"A username has {SHORTEST_NAME} to {LONGEST_NAME} characters."]
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
