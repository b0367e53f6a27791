"""Permissions of the API: by role, and by how and when the user of the session authenticated."""

from datetime import timedelta

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.requirements import Requirement
from accounts.exceptions import MfaRequired, ReauthenticationRequired
from accounts.models import Role
from sessions_tracking.api.current_principal import current_principal


class IsAdmin(BasePermission):
    """Checks the role in the database, never the token's claim: a demotion takes effect with the next request.

    Raises MfaRequired if REQUIRE_ADMIN_MFA is on and the session began without a second factor.
    """

    errors = (MfaRequired,)

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated or current_principal(request).role != Role.ADMIN:
            return False
        if settings.REQUIRE_ADMIN_MFA and not current_principal(request).has_aal2:
            raise MfaRequired
        return True


class _MeetsRequirement(BasePermission):
    requirement = Requirement()
    errors = (ReauthenticationRequired,)

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        self.requirement.enforce(current_principal(request))
        return True


def requires(*, acr: str | None = None, max_age: timedelta | None = None) -> type[BasePermission]:
    """Return a permission class for sessions of at least this level, whose user authenticated at most `max_age` ago.

        permission_classes = [requires(acr="aal2", max_age=timedelta(minutes=5))]

    It implies IsAuthenticated. A session that does not meet the requirement gets ReauthenticationRequired, whose header names
    it (RFC 9470); after a step-up, the client repeats the request with the same token. Put it last in an `|`, as in
    `IsAdmin | requires(acr="aal2")`: the error ends the evaluation, so permissions after it are not tried.

    Raises ValueError without a requirement and for an invalid one.
    """
    if acr is None and max_age is None:
        raise ValueError("requires() needs acr or max_age")
    requirement = Requirement(acr=acr, max_age=max_age)
    errors = (ReauthenticationRequired(acr=acr, max_age=max_age),)
    return type("MeetsRequirement", (_MeetsRequirement,), {"requirement": requirement, "errors": errors})
