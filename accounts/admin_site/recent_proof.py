"""When and how the user of an admin session last authenticated: sensitive requests require that it was recent."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User

_AUTHENTICATED_AT = "authenticated_at"  # in the session: seconds since 1970
_SECOND_FACTOR = "second_factor"  # in the session: whether a second factor was used


class RecentProofRequired(Exception):
    """The request needs a new proof. `proof_page.guard` catches it, after the view's transaction has been rolled back."""


@receiver(user_logged_in)
def _record_login(*, request: HttpRequest, **_signal: Any) -> None:
    """Record every login of Django. The admin's login form then records the second factor."""
    record(request, second_factor=False)


def record(request: HttpRequest, *, second_factor: bool) -> None:
    request.session[_AUTHENTICATED_AT] = int(time.time())
    request.session[_SECOND_FACTOR] = second_factor


def has_second_factor(request: HttpRequest) -> bool:
    """Return whether the session used a second factor and the user still has one: its removal applies at once."""
    return bool(request.session.get(_SECOND_FACTOR)) and _is_enrolled(request)


def is_recent(request: HttpRequest) -> bool:
    """Return whether the user authenticated within REAUTHENTICATION_MAX_AGE, with the second factor if there is one.

    A time slightly in the future is from a node whose clock is ahead.
    """
    age = abs(time.time() - request.session.get(_AUTHENTICATED_AT, 0))
    is_complete = has_second_factor(request) or not _is_enrolled(request)
    return is_complete and age < settings.REAUTHENTICATION_MAX_AGE.total_seconds()


def require(request: HttpRequest) -> None:
    if not is_recent(request):
        raise RecentProofRequired


def _is_enrolled(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.mfa_enabled
