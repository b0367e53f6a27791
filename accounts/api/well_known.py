"""The endpoints below /.well-known (RFC 8615)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import re_path

from accounts.tokens.keys import ring
from core.http.safe_methods import safe_methods_only


@safe_methods_only
def jwks(_request: HttpRequest) -> HttpResponse:
    """Return the public keys that verify access tokens (RFC 7517 §5): none under HS256. Any site may read them."""
    keys = ring.current().published() if settings.JWT_PRIVATE_KEYS else {"keys": []}
    max_age = int(settings.JWKS_MAX_AGE.total_seconds())
    headers = {"Cache-Control": f"public, max-age={max_age}", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(keys, headers=headers)


@safe_methods_only
def change_password(_request: HttpRequest) -> HttpResponse:
    """Redirect password managers to the page where a password is changed (W3C: A Well-Known URL for Changing Passwords)."""
    response = HttpResponseRedirect(settings.CHANGE_PASSWORD_URL)
    response["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    re_path(r"^jwks\.json/?$", jwks, name="jwks"),
    re_path(r"^change-password/?$", change_password, name="change-password"),
]
