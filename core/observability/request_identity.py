"""The user and session of a request, by id, for its log lines."""

from typing import Any, NamedTuple

from django.http import HttpRequest

from core.http.request_context import current_request


class UserAndSession(NamedTuple):
    """Either id may be None: unknown."""

    user_id: Any
    session_id: Any


ANONYMOUS = UserAndSession(None, None)
_KEY = "vestibule.identity"  # in the WSGI environ, where the fast path and Django's own request share it


def set_identity(request: HttpRequest, *, user_id: Any, session_id: Any) -> None:
    """Store the user and session of a request without a token, such as a login or a refresh. Ids stored before are kept."""
    stored = request.META.get(_KEY, ANONYMOUS)
    request.META[_KEY] = UserAndSession(stored.user_id or user_id, stored.session_id or session_id)


def set_current_identity(*, user_id: Any, session_id: Any) -> None:
    """Call `set_identity` for this thread's request; do nothing outside a request."""
    request = current_request()
    if request is not None:
        set_identity(request, user_id=user_id, session_id=session_id)


def identity_of(request: HttpRequest) -> UserAndSession:
    """Return the ids without a query: a user that the request has not loaded is not loaded for a log line."""
    attributes = request.__dict__
    user = attributes.get("user")
    session_id = getattr(user, "session_id", None) if _is_principal(user) else None
    if user is not None and session_id is not None:
        return UserAndSession(user.id, session_id)
    stored: UserAndSession = request.META.get(_KEY, ANONYMOUS)
    admin_user = attributes.get("_cached_user")  # Django's session middleware has loaded it
    return stored if admin_user is None or stored.user_id else UserAndSession(admin_user.pk, None)


def _is_principal(user: object) -> bool:
    """Look at the class: reading an attribute of Django's lazy user is a query."""
    return hasattr(type(user), "session_id")
