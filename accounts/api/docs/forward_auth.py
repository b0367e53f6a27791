"""Documentation of `accounts.api.views.forward_auth`."""

from core.api.exceptions import OriginNotAllowed
from core.openapi.operation import Operation

FORWARD_AUTH = Operation(
    tag="For other services",
    summary="Ask who sends a request",
    headers={
        "X-Auth-User-Id": "The user's id.",
        "X-Auth-Username": "The user's name.",
        "X-Auth-Role": "`USER` or `ADMIN`, as it is now.",
        "X-Auth-Session-Id": "The session's id.",
    },
    errors=[OriginNotAllowed],
)
