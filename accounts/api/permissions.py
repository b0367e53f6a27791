"""Who may use which part of the API."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Role
from sessions_tracking.api.caller import caller


class IsAdmin(BasePermission):
    """By the role that the database knows, never the token's: a demotion takes hold with the next request."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.is_authenticated and caller(request).role == Role.ADMIN
