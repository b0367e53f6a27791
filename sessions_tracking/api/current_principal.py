"""The principal of a request in views that require authentication."""

from typing import cast

from rest_framework.request import Request

from sessions_tracking.principal import Principal


def current_principal(request: Request) -> Principal:
    return cast("Principal", request.user)
