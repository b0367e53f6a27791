"""Authenticates service clients: by HTTP Basic, or by id and secret in the body (RFC 6749 §2.3.1)."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from accounts.exceptions import InvalidClient
from accounts.models import ServiceClient
from accounts.services import service_clients
from accounts.services.service_clients import ClientCredentials
from core.api.exceptions import ValidationFailed
from core.throttling.by_ip import enforce_ip_limit


def authenticate_client(request: Request, form: Mapping[str, Any]) -> ServiceClient:
    """Return the service client. Raises InvalidClient, or RateLimited for an IP with too many failures."""
    try:
        return service_clients.authenticate(_credentials(request, form))
    except InvalidClient:
        enforce_ip_limit(request, settings.RATE_LIMIT_BAD_TOKENS)
        raise


def _credentials(request: Request, form: Mapping[str, Any]) -> ClientCredentials | None:
    """Return None if they are missing or unreadable. Raises ValidationFailed for both ways at once (§2.3)."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return ClientCredentials(client_id=form.get("client_id", ""), secret=form.get("client_secret", ""))
    if "client_secret" in form:
        raise ValidationFailed(
            errors={"client_secret": [_("Send the secret either in the header or in the body, not in both.")]}
        )
    return _basic(header)


def _basic(header: str) -> ClientCredentials | None:
    scheme, _space, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return ClientCredentials(client_id=unquote_plus(client_id), secret=unquote_plus(secret)) if colon else None
