"""Signs people up."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.exceptions import EmailTaken, UsernameTaken
from accounts.identity import email_key, username_key
from accounts.mail import outbox
from accounts.models import User
from accounts.services import email_verification, passwords
from config.api.exceptions import ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """`email` is None only where EMAIL_VERIFICATION is `none`."""

    email: str | None
    username: str
    password: str
    first_name: str = ""
    last_name: str = ""
    language: str = "en"


def register(account: NewAccount) -> User:
    """Makes the user and promises the verification email, in one transaction.

    Raises ValidationFailed (`password`), EmailTaken, UsernameTaken. With PREVENT_ENUMERATION a taken email looks like
    success, costs as much, and its owner is told by email; the user returned is then nobody's.
    """
    user = _unsaved(account)
    passwords.require_acceptable(account.password, user=user, field="password")
    taken = _taken(account)
    user.password = make_password(account.password)
    if taken is None:
        try:
            return _save(user)
        except IntegrityError:  # somebody was faster by a moment
            taken = _taken(account) or UsernameTaken()
    if settings.PREVENT_ENUMERATION and isinstance(taken, EmailTaken):
        return _pretend(user)
    raise taken


def _unsaved(account: NewAccount) -> User:
    return User(
        email=account.email,
        username=account.username,
        first_name=account.first_name,
        last_name=account.last_name,
        language=account.language,
    )


def _save(user: User) -> User:
    with transaction.atomic():
        user.save(force_insert=True)
        if settings.EMAIL_VERIFICATION != "none":
            email_verification.forget_tries(user.email or "")
            outbox.first_verification(user)
    return user


def _pretend(user: User) -> User:
    """The same work for an address that has an owner: one email is promised, to the owner."""
    owner = User.objects.with_email(user.email or "")
    if owner is not None:
        with transaction.atomic():
            email_verification.forget_tries(user.email or "")
            outbox.address_already_registered(owner)
    return user


def _taken(account: NewAccount) -> ApiError | None:
    """What is in the way. A taken username says so even where the email is taken too: that one alone can be hidden."""
    wanted_email, wanted_username = email_key(account.email) if account.email else None, username_key(account.username)
    same = Q(username_key=wanted_username) | (Q(email_key=wanted_email) if wanted_email else Q(pk=None))
    found = list(User.objects.filter(same).values_list("email_key", "username_key"))
    email_taken = any(email is not None and email == wanted_email for email, _ in found)
    username_taken = any(username == wanted_username for _, username in found)
    if not email_taken and not username_taken:
        return None
    return _collision(
        email_taken=email_taken and not (username_taken and settings.PREVENT_ENUMERATION), username_taken=username_taken
    )


def _collision(*, email_taken: bool, username_taken: bool) -> ApiError:
    errors = {}
    if email_taken:
        errors["email"] = [EmailTaken.message]
    if username_taken:
        errors["username"] = [UsernameTaken.message]
    return EmailTaken(errors=errors) if email_taken else UsernameTaken(errors=errors)
