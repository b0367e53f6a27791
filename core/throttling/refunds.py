"""What the request at work has taken from the limits, so that it can be given back where nothing is done for it."""

from collections.abc import Mapping, Sequence

from core.http.request_context import current_request

_TAKEN = "rate_limits_taken"

Taken = Mapping[str, Sequence[str]]  # by counter, the names under which the request is counted there


def note(members: Taken) -> None:
    """A command has no request, and nothing to give back."""
    request = current_request()
    if request is not None:
        setattr(request, _TAKEN, [*getattr(request, _TAKEN, []), members])


def forget() -> list[Taken]:
    """All of it, once."""
    request = current_request()
    found: list[Taken] = getattr(request, _TAKEN, [])
    if found:
        setattr(request, _TAKEN, [])
    return found
