"""Remembers what the current request was charged, so that it can be refunded if the request is rejected unprocessed."""

from collections.abc import Mapping, Sequence

from core.http.request_context import current_request

_ATTRIBUTE = "rate_limit_charges"

Members = Mapping[str, Sequence[str]]  # by key of the counter, the members that the request added


def record(members: Members) -> None:
    """Does nothing outside a request."""
    request = current_request()
    if request is not None:
        setattr(request, _ATTRIBUTE, [*getattr(request, _ATTRIBUTE, []), members])


def pop_all() -> list[Members]:
    request = current_request()
    charges: list[Members] = getattr(request, _ATTRIBUTE, [])
    if charges:
        setattr(request, _ATTRIBUTE, [])
    return charges
