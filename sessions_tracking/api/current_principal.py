"""Who a request acts for, in a view that lets only the authenticated in."""

from typing import cast

from rest_framework.request import Request

from sessions_tracking.principal import Principal


def current_principal(request: Request) -> Principal:
    """The principal that authentication put in the place of a user."""
    return cast("Principal", request.user)
