"""Whose request it is, for lines that name ids and nothing else of anybody."""

from typing import Any

from django.http import HttpRequest

from core.http.request_context import current_request

Ids = tuple[Any, Any]  # of user and session; None where nobody knows
_CONCERNS = "vestibule.concerns"  # in the environ: what is refused in front of Django is answered behind it


def concerns(request: HttpRequest, *, user_id: Any, session_id: Any) -> None:
    """Notes whom a request without a token turned out to concern: a sign-in, a refresh. What is known already stays."""
    known_user, known_session = request.META.get(_CONCERNS, (None, None))
    request.META[_CONCERNS] = known_user or user_id, known_session or session_id


def concerns_now(*, user_id: Any, session_id: Any) -> None:
    """As `concerns`, of the request that this thread works on, if it does on any."""
    request = current_request()
    if request is not None:
        concerns(request, user_id=user_id, session_id=session_id)


def who(request: HttpRequest) -> Ids:
    """Asks nobody: a user that was not looked up so far is not looked up for a line of the log."""
    attributes = request.__dict__
    session_id = getattr(attributes["user"], "session_id", None) if _is_principal(attributes.get("user")) else None
    if session_id is not None:
        return attributes["user"].id, session_id
    found: Ids = request.META.get(_CONCERNS, (None, None))
    of_the_site = attributes.get("_cached_user")  # where Django's session has been looked at: the admin
    return found if of_the_site is None or found[0] else (of_the_site.pk, None)


def _is_principal(user: object) -> bool:
    """By the class, since to ask Django's lazy user for an attribute is a query."""
    return hasattr(type(user), "session_id")
