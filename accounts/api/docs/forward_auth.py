"""Documentation of `accounts.api.views.forward_auth`."""

from datetime import timedelta

from accounts.api.serializers.requirements import RequirementQuery
from accounts.exceptions import ReauthenticationRequired
from core.api.exceptions import OriginNotAllowed
from core.openapi.operation import Operation
from sessions_tracking.authentication_context import AssuranceLevel

FORWARD_AUTH = Operation(
    tag="For other services",
    summary="Ask who sends a request",
    headers={
        "X-Auth-User-Id": "The user's id.",
        "X-Auth-Username": "The user's name.",
        "X-Auth-Role": "`USER` or `ADMIN`, as it is now.",
        "X-Auth-Session-Id": "The session's id.",
        "X-Auth-Acr": "The session's assurance level, `aal1` or `aal2`, as it is now.",
        "X-Auth-Time": "When the user last authenticated, in seconds since 1970.",
    },
    query=RequirementQuery,
    errors=[OriginNotAllowed, ReauthenticationRequired(max_age=timedelta(minutes=5), acr=AssuranceLevel.AAL2)],
)
