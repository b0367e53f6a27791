"""The error for a user whose email or username another account has."""

from collections.abc import Iterable

from django.db.models import Q

from accounts.exceptions import EmailTaken, UsernameTaken
from accounts.models import User
from core.api.exceptions import ApiError


def find_conflict(user: User) -> ApiError:
    """Look up the conflict after the database has rejected the row: only the database decides a race."""
    match = Q(username_key=user.username_key)
    if user.email_key:
        match |= Q(email_key=user.email_key)
    return conflict(user, User.objects.exclude(id=user.id).filter(match).only("email_key", "username_key"))


def conflict(user: User, others: Iterable[User], *, hide_email: bool = False) -> ApiError:
    """Return EmailTaken or UsernameTaken, with an error for each field. `others` share email or username with the user.

    With `hide_email` a conflict of both reads like a conflict of the username, which cannot be hidden.
    """
    rows = list(others)
    is_email_taken = user.email_key is not None and any(other.email_key == user.email_key for other in rows)
    is_username_taken = any(other.username_key == user.username_key for other in rows)
    errors = {}
    if is_email_taken and not (is_username_taken and hide_email):
        errors["email"] = [EmailTaken.message]
    if is_username_taken or not is_email_taken:
        errors["username"] = [UsernameTaken.message]
    return EmailTaken(errors=errors) if "email" in errors else UsernameTaken(errors=errors)
