"""Permissions of the API by role."""

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.exceptions import MfaRequired
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
