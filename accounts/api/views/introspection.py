"""Token introspection (RFC 7662) and revocation (RFC 7009) for service clients."""

from collections.abc import Callable
from typing import Any

from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.client_credentials import authenticate_client
from accounts.api.docs import introspection as docs
from accounts.api.presenters.introspection import introspection_response
from accounts.api.serializers.introspection import TokenForm
from accounts.models import ServiceClient
from accounts.services import introspection
from core.api import oauth
from core.api.parsers import StrictFormParser, StrictJSONParser
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from sessions_tracking.client_info import read_client_info


class IntrospectionViewSet(ViewSet):
    """Authenticates by client id and secret only; user tokens and cookies are ignored."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [StrictFormParser, StrictJSONParser]

    def get_exception_handler(self) -> Callable[..., Any]:
        return oauth.handle

    @action(detail=False, methods=["post"])
    @documented(docs.INTROSPECT)
    def introspect(self, request: Request) -> Response:
        """Returns whether a token is active, and its user and session (RFC 7662); `active: false` for any other token.

        Refresh tokens are supported too: accept a token as an access token only with `token_use: access_token`.
        """
        token, _client = _validated(request)
        return Response(introspection_response(introspection.introspect(token=token)))

    @action(detail=False, methods=["post"])
    @documented(docs.REVOKE)
    def revoke(self, request: Request) -> Response:
        """Revokes the session of an access or refresh token immediately (RFC 7009). Succeeds for any token."""
        token, client = _validated(request)
        introspection.revoke(token=token, client=client, source=read_client_info(request))
        return success()


def _validated(request: Request) -> tuple[str, ServiceClient]:
    form = validated_data(TokenForm, request)
    return form["token"], authenticate_client(request, form)
