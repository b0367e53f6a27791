"""The documents of passkeys below /.well-known, which browsers and password managers read on the host of the RP ID."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import re_path

from core.http.safe_methods import safe_methods_only

_MAX_AGE_SECONDS = 3600


@safe_methods_only
def webauthn(_request: HttpRequest) -> JsonResponse:
    """Return the web origins that may use the passkeys (WebAuthn Level 3 §5.11, "related origins")."""
    return _document({"origins": [each for each in settings.WEBAUTHN_ORIGINS if each.startswith(("https:", "http:"))]})


@safe_methods_only
def passkey_endpoints(_request: HttpRequest) -> JsonResponse:
    """Return the pages where users add and manage passkeys (W3C: A Well-Known URL for Passkey Endpoints)."""
    return _document({"enroll": settings.PASSKEY_ENROLL_URL, "manage": settings.PASSKEY_MANAGE_URL})


def _document(content: dict[str, Any]) -> JsonResponse:
    headers = {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(content, headers=headers)


urlpatterns = [
    re_path(r"^webauthn/?$", webauthn, name="webauthn"),
    re_path(r"^passkey-endpoints/?$", passkey_endpoints, name="passkey-endpoints"),
]
