"""Who may use which part of the API."""

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.exceptions import MfaRequired
from accounts.models import Role
from sessions_tracking.api.current_principal import current_principal


class IsAdmin(BasePermission):
    """By the role that the database knows, never the token's: a demotion takes hold with the next request.

    Raises MfaRequired where administrators must have a second factor and the session began without one.
    """

    errors = (MfaRequired,)

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated or current_principal(request).role != Role.ADMIN:
            return False
        if settings.REQUIRE_ADMIN_MFA and not current_principal(request).second_factor:
            raise MfaRequired
        return True
